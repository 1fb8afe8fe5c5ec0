create or replace function prune_staged(older_than interval) returns bigint
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  busy name[] := '{}';
  stale record;
  removed bigint := 0;
  affected bigint;
begin
  perform set_config('lock_timeout', '100ms', true);
  for stale in select distinct s.load, s.staged_by from staged_jobs s where s.staged_at < before loop
    -- Only the role that staged a load can lock it: one that is waited for once is waited for no more, however many loads it locks.
    continue when stale.staged_by = any(busy);
    begin
      perform lock_load(stale.load, stale.staged_by);
      delete from staged_jobs s where s.load = stale.load and s.staged_by = stale.staged_by and s.staged_at < before;
      get diagnostics affected = row_count;
      removed := removed + affected;
    exception when lock_not_available then
      -- A load that is being submitted now is not abandoned. The role's other loads are left to the next run.
      busy := busy || stale.staged_by;
    end;
  end loop;
  return removed;
end $$;
comment on function prune_staged is 'Deletes rows staged before their retention that nobody submitted; returns how many.';
