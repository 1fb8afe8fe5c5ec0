-- Writes down that a worker set itself aside, or works again. @worker_id uuid, @reason text or null (works again).
update workers
set set_aside_at = case when @reason::text is not null then coalesce(set_aside_at, clock_timestamp()) end, set_aside_reason = @reason
where id = @worker_id and stopped_at is null
