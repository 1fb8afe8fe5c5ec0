-- Writes a worker down as started. @worker_id uuid, @name text, @device text, @device_description text, @compute_type text, @models text[]
-- or null (those it may serve, in lower case).
-- A worker makes a new id for each start: a row that is there already is its own, whose answer was lost.
insert into workers (id, name, device, device_description, compute_type, models)
values (@worker_id, @name, @device, @device_description, @compute_type, @models)
on conflict (id) do nothing
