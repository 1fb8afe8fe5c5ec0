create or replace function free_jobs_now(of_batch bigint, these bigint[]) returns bigint[]
language sql as $$
  -- For what is called again soon, as rescues are: it waits for no session, or one producer that keeps many jobs locked would stop all
  -- claims. The locks hold the jobs for free_jobs, which finds all of them free then.
  select array(
    select j.id from jobs j
    where j.id = any(these) and j.batch_id = of_batch and j.state = 'running'
    for update skip locked)
$$;
comment on function free_jobs_now is 'Locks those running jobs of a batch that no other session has locked, and returns them.';
