-- The newest checkpoints. @limit int. Primary key.
select id as checkpoint_id, worker_id, batch_id, model, device, verdict, expected_digest, actual_digest, tensors, size_bytes,
  drifted_tensors, elapsed_ms, created_at
from weight_checkpoints
order by id desc
limit @limit
