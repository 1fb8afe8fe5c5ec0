-- Writes down that a worker has again what it lacked. @worker_id uuid, @kind text, @name text.
select drop_lack(@worker_id, @kind, @name)
