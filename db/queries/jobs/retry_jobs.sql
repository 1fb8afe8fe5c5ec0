-- Puts failed or cancelled jobs back. @job_ids bigint[], @tenant text or null. Returns their ids.
select retry_jobs(@job_ids, @tenant)
