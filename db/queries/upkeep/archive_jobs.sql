-- Moves ended jobs past their retention out of the queue, one chunk of a walk up from the oldest. @older_than interval, @at_most int jobs
-- looked at, @after_id bigint. Returns moved, last_id: where to go on, null at the end. Primary keys.
select moved, last_id from archive_jobs(@older_than, @at_most, @after_id)
