create or replace function prune_staged(older_than interval) returns bigint
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  stale record;
  removed bigint := 0;
  affected bigint;
begin
  for stale in select distinct s.load, s.staged_by from staged_jobs s where s.staged_at < before loop
    -- A load that is being submitted now is not abandoned.
    if pg_try_advisory_xact_lock(load_lock(stale.load, stale.staged_by)) then
      delete from staged_jobs s where s.load = stale.load and s.staged_by = stale.staged_by and s.staged_at < before;
      get diagnostics affected = row_count;
      removed := removed + affected;
    end if;
  end loop;
  return removed;
end $$;
comment on function prune_staged is 'Deletes rows staged before their retention that nobody submitted; returns how many.';
