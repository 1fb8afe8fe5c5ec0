-- Writes a worker down as started. @worker_id uuid, @name text, @device text, @device_description text, @compute_type text.
insert into workers (id, name, device, device_description, compute_type)
values (@worker_id, @name, @device, @device_description, @compute_type)
