create or replace function advance_clock(at_most int default 5000) returns int
language plpgsql as $$
-- Makes jobs ready whose start time has come, and fails waiting jobs whose deadline passed. Two index probes when there are none.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  due int := 0;
  late bigint[];
begin
  if exists (select from jobs j where j.indexed_state = 'scheduled' and j.run_at <= started order by j.run_at limit 1) then
    -- Skips what a neighbour makes ready at this moment: a neighbour that waits for us would find nothing more.
    with picked as (
      select j.id, j.group_id, j.signature from jobs j where j.indexed_state = 'scheduled' and j.run_at <= started
      order by j.run_at limit at_most for update skip locked),
    placed as (
      select p.id, row_number() over (order by p.group_id, p.signature, p.id) as place from picked p)
    -- Jobs for one instant get start times one microsecond apart, as at submit.
    update jobs j set indexed_state = 'ready', run_at = j.run_at + p.place * interval '1 microsecond' from placed p where j.id = p.id;
    get diagnostics due = row_count;
    -- Their run_at lies before now: claims whose scans start later must look again.
    perform nextval('requeues');
  end if;

  if exists (
    select from jobs j
    where j.deadline is not null and j.indexed_state in ('ready', 'scheduled') and j.deadline <= started
    order by j.deadline limit 1)
  then
    late := fail_late_jobs(started, at_most);
  end if;
  return due + coalesce(cardinality(late), 0);
end $$;
comment on function advance_clock is
  'Makes due jobs ready and fails those past their deadline, at most so many of each; returns how many in all.';
