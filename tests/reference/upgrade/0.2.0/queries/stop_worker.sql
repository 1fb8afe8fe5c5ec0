-- Writes a worker down as stopped. @worker_id uuid, @reason text.
update workers
set stopped_at = clock_timestamp(), stop_reason = @reason
where id = @worker_id and stopped_at is null
