-- Leases waiting jobs. @worker_id uuid, @models text[] or null (lower case), @max_jobs int, @lease interval, @max_wait interval,
-- @max_batches int, @memory jsonb or null, @max_pixels bigint or null. Returns one row per job; one row without a job when there is none.
-- Indexes jobs_by_age, jobs_by_signature.
select batch_id, epoch, signature, lease_expires_at, remembered::text, job_id, attempt, recipe
from claim_batch(@worker_id, @models, @max_jobs, @lease, @max_wait, @max_batches, @memory, @max_pixels)
