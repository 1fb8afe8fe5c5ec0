create or replace function free_jobs(of_batch bigint, these bigint[]) returns tid[]
language plpgsql as $$
-- A producer may have cancelled a job and not committed, for hours: a worker that waited for its row would lose its whole batch. So rows
-- that another session has locked are left out, and settled after the batch ended (note_unsettled). The lock holds the places still.
begin
  return array(
    select j.ctid from jobs j
    where j.id = any(these) and j.batch_id = of_batch and j.state = 'running'
    for update skip locked);
end $$;
comment on function free_jobs is
  'Locks those running jobs of a batch that no other session has locked, and returns where their rows lie.';
