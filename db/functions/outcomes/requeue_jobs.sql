create or replace function requeue_jobs(of_batch bigint, these bigint[], from_state text, why text, said text, counts boolean, new_limit smallint default null) returns int
language plpgsql as $$
-- Jobs of a batch return to the queue at once and keep their age. Not counted means that the attempt is taken back.
declare
  changed int;
begin
  with returned as (
    update jobs j set
      state = 'queued', indexed_state = 'ready', batch_id = null, finished_at = null,
      attempts = j.attempts - case when counts then 0 else 1 end,
      batch_limit = coalesce(new_limit, j.batch_limit)
    from unnest(these) u(id)
    where j.id = u.id and j.batch_id = of_batch and j.state = from_state
    returning j.id, j.group_id, j.campaign_id, j.attempts),
  noted as (
    insert into job_attempts (job_id, attempt, counted, code, message, worker_id, batch_id, started_at)
    select r.id, r.attempts + case when counts then 0 else 1 end, counts, why, said, b.worker_id, b.id, b.claimed_at
    from returned r cross join batches b
    where b.id = of_batch),
  dropped as (
    delete from images i using returned r where i.job_id = r.id),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select r.group_id, r.campaign_id, s.state, s.sign * count(*)
    from returned r cross join (values (from_state, -1), ('queued', 1)) s(state, sign)
    group by r.group_id, r.campaign_id, s.state, s.sign)
  select count(*) into changed from returned;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
