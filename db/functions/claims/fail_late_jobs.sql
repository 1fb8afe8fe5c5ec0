create or replace function fail_late_jobs(started timestamptz, at_most int) returns bigint[]
language plpgsql as $$
declare
  these bigint[];
  messages text[];
begin
  select array_agg(p.id), array_agg(
    'The deadline ' || p.deadline || ' passed before a worker took the job. Submit it again with a later one.')
  into these, messages
  from (
    select j.id, j.deadline from jobs j
    where j.deadline is not null and j.indexed_state in ('ready', 'scheduled') and j.deadline <= started
    order by j.deadline limit at_most for update skip locked) p;
  return fail_waiting(these, 'deadline_passed', messages);
end $$;
comment on function fail_late_jobs is 'Fails waiting jobs whose deadline passed; returns their ids.';
