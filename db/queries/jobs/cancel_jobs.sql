-- Cancels jobs. @job_ids bigint[], @tenant text or null. Returns ids cancelled now.
select cancel_jobs(@job_ids, @tenant)
