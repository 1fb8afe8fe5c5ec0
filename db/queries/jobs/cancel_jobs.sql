-- Cancels jobs. @job_ids bigint[], @tenant text or null, @lock_timeout text as in submit_jobs_soon. Returns ids cancelled now.
select cancel_jobs(case when set_config('lock_timeout', @lock_timeout, true) is not null then @job_ids end, @tenant)
