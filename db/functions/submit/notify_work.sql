create or replace function notify_work(ready_groups int[], always boolean) returns void
language plpgsql as $$
-- NOTIFY takes a lock that every committing notifier waits for, so a stream of single submits notifies only when it may matter: while
-- another job of the group that is just as new still waits, the one who submitted that has notified already. Polling covers the rare race.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  since constant timestamptz := clock_timestamp() - interval '200 ms';
begin
  if always or exists (
    select from unnest(ready_groups) l(id)
    where not exists (
      select from jobs j
      where j.indexed_state = 'ready' and j.group_id = l.id and j.run_at > since
      order by j.run_at desc limit 1))
  then
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
end $$;
comment on function notify_work is 'Wakes idle workers: channel SCHEMA_jobs.';
