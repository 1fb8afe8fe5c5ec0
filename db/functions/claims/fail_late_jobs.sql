create or replace function fail_late_jobs(started timestamptz, at_most int) returns bigint[]
language plpgsql as $$
declare
  late bigint[];
  changed int;
begin
  with picked as (
    select j.id from jobs j
    where j.deadline is not null and j.indexed_state in ('ready', 'scheduled') and j.deadline <= started
    order by j.deadline limit at_most for update skip locked),
  failed as (
    update jobs j set state = 'failed', indexed_state = 'failed', finished_at = clock_timestamp()
    from picked p where j.id = p.id
    returning j.id, j.attempts, j.deadline, j.group_id, j.campaign_id),
  noted as (
    insert into job_attempts (job_id, attempt, counted, code, message)
    select f.id, f.attempts, false, 'deadline_passed',
      'The deadline ' || f.deadline || ' passed before a worker took the job. Submit it again with a later one.'
    from failed f)
  select array_agg(f.id),
    count_moves(array_agg(f.group_id), array_agg(f.campaign_id), 'queued', 'failed')
  into late, changed
  from failed f;
  perform notify_done(late);
  return late;
end $$;
comment on function fail_late_jobs is 'Fails waiting jobs whose deadline passed; returns their ids.';
