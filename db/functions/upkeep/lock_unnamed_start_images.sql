create or replace function lock_unnamed_start_images(older_than interval, at_most int default 1000) returns setof text
language plpgsql security definer as $$
-- Looked at twice: without locks, to find the few there are, and once more when they are locked, since a job may have named one meanwhile.
-- A submit that names one holds it (hold_start_images): then it is passed over, or the second look sees the job.
declare
  before constant timestamptz := clock_timestamp() - older_than;
  names text[];
begin
  names := unnamed_start_images(array(select s.name from start_images s group by s.name having max(s.created_at) < before));
  names := array(
    select l.name
    from (
      select s.name, s.created_at from start_images s where s.name = any(names[1:at_most]) for update skip locked) l
    group by l.name
    -- Of all tenants that sent it
    having max(l.created_at) < before and count(*) = (select count(*) from start_images a where a.name = l.name));
  return query select unnest(unnamed_start_images(names));
end $$;
comment on function lock_unnamed_start_images is
  'Locks start images that nobody sent lately and that nothing names, until the transaction ends, and returns their names.';
