create or replace function settle_jobs() returns int
language plpgsql as $$
-- One by one: there are as many as producers cancelled at the very moment that a batch ended, and did not commit. Never waits for them:
-- every worker comes here before it claims.
declare
  unsettled unsettled_jobs;
  held batches;
  settled int := 0;
begin
  for unsettled in select * from unsettled_jobs for update skip locked loop
    if free_jobs_now(unsettled.batch_id, array[unsettled.job_id]) <> '{}' then
      select * into held from batches b where b.id = unsettled.batch_id;
      settled := settled + requeue_jobs(held, array[unsettled.job_id], 'running', 'requeued',
        'Another session had the job locked when its batch ended.', false);
    end if;
    -- It stays while that session has not ended.
    delete from unsettled_jobs s
    where s.job_id = unsettled.job_id
      and not exists (select from jobs j where j.id = s.job_id and j.batch_id = s.batch_id and j.state = 'running');
  end loop;
  return settled;
end $$;
comment on function settle_jobs is
  'Requeues the jobs that another session had locked when their batch ended, unless they are cancelled now; returns how many.';
