-- Says a worker is alive. @worker_id uuid. Returns paused, draining.
update workers
set heartbeat_at = clock_timestamp()
where id = @worker_id and stopped_at is null
returning paused, draining
