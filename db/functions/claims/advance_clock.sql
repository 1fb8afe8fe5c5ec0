create or replace function advance_clock(at_most int default 5000) returns int
language plpgsql as $$
-- Moves jobs whose time has come to the ready indexed_state, and fails waiting jobs whose deadline passed. Two index probes when there are none.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  changed int := 0;
  affected int;
  late_ids bigint[];
begin
  if exists (select from jobs where indexed_state = 'scheduled' and run_at <= started order by run_at limit 1) then
    -- Skips what a neighbour moves at this moment: a neighbour that waits for us would move nothing more.
    with picked as (
      select id, group_id, signature from jobs where indexed_state = 'scheduled' and run_at <= started
      order by run_at limit at_most for update skip locked),
    due as (
      select id, row_number() over (order by group_id, signature, id) as place from picked)
    -- Jobs for one instant get start times one microsecond apart, as at submit.
    update jobs j set indexed_state = 'ready', run_at = j.run_at + due.place * interval '1 microsecond' from due where j.id = due.id;
    get diagnostics affected = row_count;
    changed := changed + affected;
    -- Their run_at lies before now: claims that remember a later floor must look again.
    perform nextval('requeues');
  end if;

  if exists (select from jobs where deadline is not null and indexed_state in ('ready', 'scheduled') and deadline <= started order by deadline limit 1) then
    with late as (
      select id from jobs where deadline is not null and indexed_state in ('ready', 'scheduled') and deadline <= started
      order by deadline limit at_most for update skip locked),
    failed as (
      update jobs j set state = 'failed', indexed_state = 'failed', finished_at = clock_timestamp()
      from late where j.id = late.id
      returning j.id, j.attempts, j.deadline, j.group_id, j.campaign_id),
    noted as (
      insert into job_attempts (job_id, attempt, counted, code, message)
      select id, attempts, false, 'deadline_passed', 'The deadline ' || deadline || ' passed before a worker took the job. Submit it again with a later one.'
      from failed),
    counted as (
      insert into job_count_changes (group_id, campaign_id, state, change)
      select group_id, campaign_id, s.state, s.sign * count(*)
      from failed cross join (values ('queued', -1), ('failed', 1)) s(state, sign)
      group by group_id, campaign_id, s.state, s.sign)
    select array_agg(id) into late_ids from failed;
    changed := changed + coalesce(cardinality(late_ids), 0);
    perform notify_done(late_ids, 'failed');
  end if;
  return changed;
end $$;
comment on function advance_clock is 'Makes due jobs ready and fails those past their deadline.';
