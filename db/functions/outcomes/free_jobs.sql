create or replace function free_jobs(of_batch bigint, these bigint[]) returns tid[]
language plpgsql as $$
-- A producer may have cancelled a job and not committed, for hours: a worker that waited for its row would lose its whole batch. So rows
-- that another session keeps locked are left out, and settled after the batch ended (note_unsettled). The locks hold the places still.
declare
  others_limit constant text := '1s';
  before constant text := current_setting('lock_timeout');
  free tid[];
begin
  free := array(
    select j.ctid from jobs j
    where j.id = any(these) and j.batch_id = of_batch and j.state = 'running'
    for update skip locked);
  if cardinality(free) = cardinality(these) then return free; end if;
  -- A claim that met a row while it was being taken keeps it locked to its own end, which is soon: rows are waited for a moment.
  perform set_config('lock_timeout', others_limit, true);
  begin
    free := array(
      select j.ctid from jobs j
      where j.id = any(these) and j.batch_id = of_batch and j.state = 'running'
      order by j.id
      for update);
  exception when lock_not_available then
    free := array(
      select j.ctid from jobs j
      where j.id = any(these) and j.batch_id = of_batch and j.state = 'running'
      for update skip locked);
  end;
  perform set_config('lock_timeout', before, true);
  return free;
end $$;
comment on function free_jobs is
  'Locks those running jobs of a batch that no other session keeps locked for more than a second, and returns where their rows lie.';
