-- Gives a worker orders. @worker_id uuid, @paused boolean or null, @draining boolean or null (null leaves it). Resuming it
-- also ends that it set itself aside. Returns its id.
update workers
set paused = coalesce(@paused, paused), draining = coalesce(@draining, draining),
  set_aside_at = case when @paused = false then null else set_aside_at end,
  set_aside_reason = case when @paused = false then null else set_aside_reason end
where id = @worker_id and stopped_at is null
returning id
