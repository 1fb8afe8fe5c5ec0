-- Writes down that a worker set itself aside, or works again, and takes back what it charged to jobs that wait. @worker_id uuid,
-- @reason text or null (works again), @batches bigint[] (whose attempts it failed without any fault of their jobs). Returns how many jobs
-- had an attempt taken back.
with aside as (
  update workers
  set set_aside_at = case when @reason::text is not null then coalesce(set_aside_at, clock_timestamp()) end, set_aside_reason = @reason
  where id = @worker_id and stopped_at is null)
select take_back_attempts(@worker_id, @batches)
