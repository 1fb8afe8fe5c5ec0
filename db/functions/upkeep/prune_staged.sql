create or replace function prune_staged(older_than interval) returns bigint
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  busy name[] := '{}';
  stale record;
  removed bigint := 0;
  affected bigint;
begin
  for stale in select distinct s.load, s.staged_by from staged_jobs s where s.staged_at < before loop
    -- Only the role that staged a load can lock it: one that was waited for once is hardly waited for again, however many loads it locks.
    perform set_config('lock_timeout', case when stale.staged_by = any(busy) then '1ms' else '100ms' end, true);
    begin
      perform lock_load(stale.load, stale.staged_by);
      delete from staged_jobs s where s.load = stale.load and s.staged_by = stale.staged_by and s.staged_at < before;
      get diagnostics affected = row_count;
      removed := removed + affected;
    exception when lock_not_available then
      -- A load that is being submitted now is not abandoned.
      busy := busy || stale.staged_by;
    end;
  end loop;
  return removed;
end $$;
comment on function prune_staged is 'Deletes rows staged before their retention that nobody submitted; returns how many.';
