-- Tells workers to draw a canary. @worker_id uuid or null (all that run). Returns their ids.
update workers
set canary_ordered = true
where stopped_at is null and (@worker_id::uuid is null or id = @worker_id)
returning id
