-- Writes a checkpoint with its consequence. Parameters as the function's. Returns checkpoint_id, images_verified, jobs_requeued. Index
-- batches_unchecked.
select checkpoint_id, images_verified, jobs_requeued
from record_checkpoint(@worker_id, @batch_id, @epoch, @model, @device, @compute_type, @verdict, @expected, @actual, @tensors,
  @size_bytes, @drifted, @elapsed_ms, @reloaded_tensors, @reloaded_bytes, @reload_ms)
