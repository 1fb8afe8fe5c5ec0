-- The newest checkpoints of a worker. @worker_id uuid, @limit int. Index weight_checkpoints_by_worker.
select id as checkpoint_id, worker_id, batch_id, model, device, verdict, expected_digest, actual_digest, tensors, size_bytes,
  drifted_tensors, elapsed_ms, created_at
from weight_checkpoints
where worker_id = @worker_id
order by id desc
limit @limit
