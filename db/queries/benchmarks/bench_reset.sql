-- Empties the queue of the benchmark's schema.
truncate jobs, job_recipes, images, job_attempts, job_counts, job_count_changes, staged_jobs, idempotency_keys, batches,
  campaign_batches, weight_checkpoints, workers cascade
