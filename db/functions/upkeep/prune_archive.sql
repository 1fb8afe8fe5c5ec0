create or replace function prune_archive(older_than interval, at_most int default 50000) returns int
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  removed int;
begin
  with old as (select a.job_id from archived_jobs a where a.finished_at < before order by a.finished_at limit at_most)
  delete from archived_jobs a using old where a.job_id = old.job_id;
  get diagnostics removed = row_count;
  return removed;
end $$;
comment on function prune_archive is 'Deletes archived jobs past their retention; returns how many.';
