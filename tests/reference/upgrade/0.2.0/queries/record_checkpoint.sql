-- Writes a checkpoint with its consequence. @worker_id uuid, @batch_id bigint or null, @epoch bigint or null, @model text, @device text,
-- @compute_type text, @verdict text, @expected text, @actual text, @tensors int, @size_bytes bigint, @drifted text[], @elapsed_ms double
-- precision, @reloaded_tensors int or null, @reloaded_bytes bigint or null, @reload_ms double precision or null. Returns checkpoint_id,
-- images_verified, jobs_requeued. Index batches_unchecked.
select checkpoint_id, images_verified, jobs_requeued
from record_checkpoint(@worker_id, @batch_id, @epoch, @model, @device, @compute_type, @verdict, @expected, @actual, @tensors,
  @size_bytes, @drifted, @elapsed_ms, @reloaded_tensors, @reloaded_bytes, @reload_ms)
