-- Gives a worker orders. @worker_id uuid, @paused boolean or null, @draining boolean or null (null leaves it). Returns its id.
update workers
set paused = coalesce(@paused, paused), draining = coalesce(@draining, draining)
where id = @worker_id and stopped_at is null
returning id
