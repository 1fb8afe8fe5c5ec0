-- Puts failed or cancelled jobs back. @job_ids bigint[], @tenant text or null, @lock_timeout text as in submit_jobs_soon. Returns their
-- ids.
select retry_jobs(case when set_config('lock_timeout', @lock_timeout, true) is not null then @job_ids end, @tenant)
