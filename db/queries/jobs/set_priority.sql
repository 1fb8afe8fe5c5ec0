-- Moves waiting jobs to another priority. @job_ids bigint[], @priority int, @lock_timeout text as in submit_jobs_soon. Returns how many
-- moved.
select set_priority(case when set_config('lock_timeout', @lock_timeout, true) is not null then @job_ids end, @priority)
