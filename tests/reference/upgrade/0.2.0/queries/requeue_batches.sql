-- Ends the batches that a worker still has and requeues their jobs, such as one whose claim was never answered. @worker_id uuid, @after
-- bigint (only batches newer than this one), @reason text. Returns jobs requeued. Index batches_by_worker.
select coalesce(sum(end_batch(b.id, b.epoch, interval '0', @reason)), 0)::int
from batches b
where b.worker_id = @worker_id and b.id > @after and b.state = 'open'
