create or replace function take_back_attempts(of_worker uuid, batch_ids bigint[]) returns int
language plpgsql security definer as $$
-- What a machine failed before it was known to be at fault was not its jobs' doing. Those that ended meanwhile, or that another worker
-- holds, stay as they are: their attempts were looked at already.
declare
  changed int;
begin
  with tried as (
    select a.id, a.job_id
    from batches b
    cross join lateral unnest(b.job_ids) u(job_id)
    join job_attempts a on a.job_id = u.job_id and a.batch_id = b.id
    where b.id = any(batch_ids) and b.worker_id = of_worker and a.counted and a.code = 'generation'),
  waiting as (
    select j.id from jobs j
    where j.id in (select t.job_id from tried t) and j.state = 'queued'
    for update skip locked),
  freed as (
    update jobs j set attempts = greatest(0, j.attempts - (select count(*) from tried t where t.job_id = j.id))::smallint
    from waiting w where j.id = w.id
    returning j.id),
  noted as (
    update job_attempts a set counted = false from tried t join freed f on f.id = t.job_id where a.id = t.id)
  select count(*) into changed from freed;
  return changed;
end $$;
comment on function take_back_attempts is
  'Makes attempts that a worker failed in some batches count no longer, for jobs that wait again; returns for how many jobs.';
