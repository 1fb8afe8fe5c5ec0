create or replace function prune_staged(older_than interval) returns bigint
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  stale record;
  removed bigint := 0;
  affected bigint;
begin
  perform set_config('lock_timeout', '100ms', true);
  for stale in select distinct s.load, s.staged_by from staged_jobs s where s.staged_at < before loop
    begin
      perform lock_load(stale.load, stale.staged_by);
      delete from staged_jobs s where s.load = stale.load and s.staged_by = stale.staged_by and s.staged_at < before;
      get diagnostics affected = row_count;
      removed := removed + affected;
    exception when lock_not_available then
      null; -- A load that is being submitted now is not abandoned.
    end;
  end loop;
  return removed;
end $$;
comment on function prune_staged is 'Deletes rows staged before their retention that nobody submitted; returns how many.';
