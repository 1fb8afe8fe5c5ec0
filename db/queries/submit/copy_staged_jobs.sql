-- Bulk input of rows for submit_staged, in COPY's binary form: the recipe of each job, and the fields that dispatch, search and limits ask
-- for.
copy staged_jobs (load, recipe, model, adapters, campaign, priority, run_at, deadline, max_attempts, tags, idempotency_key)
from stdin (format binary)
