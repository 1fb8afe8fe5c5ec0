create or replace function requeue_jobs(
  of_batch batches, these bigint[], from_state text, with_code text, with_message text, counts boolean, new_limit smallint default null)
returns int
language plpgsql as $$
-- Jobs of a batch return to the queue at once and keep their age. Not counted means that the attempt is taken back.
declare
  free constant tid[] := case when from_state = 'running' then free_jobs(of_batch.id, these) end;
  noted int;
  changed int;
begin
  with returned as (
    update jobs j set
      state = 'queued', indexed_state = 'ready', batch_id = null, finished_at = null,
      attempts = j.attempts - case when counts then 0 else 1 end,
      batch_limit = coalesce(new_limit, j.batch_limit)
    from unnest(these) u(id)
    where j.id = u.id and j.batch_id = of_batch.id and j.state = from_state
      -- Jobs that ended are never left out: their images would count as checked.
      and (from_state <> 'running' or j.ctid = any(free))
    returning j.id, j.group_id, j.campaign_id, j.attempts + case when counts then 0 else 1 end as attempt),
  dropped as (
    delete from images i using returned r where i.job_id = r.id)
  select note_attempts(of_batch, array_agg(r.id), array_agg(r.attempt), array_agg(counts), array_agg(with_code), array_agg(with_message)),
    count_moves(array_agg(r.group_id), array_agg(r.campaign_id), from_state, 'queued')
  into noted, changed
  from returned r;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
comment on function requeue_jobs is 'Returns jobs of a batch to the queue; returns how many.';
