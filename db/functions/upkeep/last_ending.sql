create or replace function last_ending(job bigint) returns bigint
language sql stable as $$
  -- An attempt ends a job by its code, or as the last one that the job had: what came after it, came after a retry, which counts attempts
  -- from 0 again.
  select coalesce(max(a.id), 0)
  from job_attempts a join jobs j on j.id = a.job_id
  where a.job_id = job and (
    a.code in ('invalid_job', 'adapter', 'model', 'deadline_passed', 'cancelled') or a.counted and a.attempt >= j.max_attempts)
$$;
comment on function last_ending is
  'The attempt by which a job last failed for good or was cancelled; 0 for none. A job that goes on after it was retried.';
