create or replace function prune_history(older_than interval, at_most int default 5000) returns int
language plpgsql security definer as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  removed int := 0;
  affected int;
begin
  with old as (
    select b.id from batches b
    where b.ended_at < before
      and not exists (select from unnest(b.job_ids) u(id) join jobs j on j.id = u.id and j.batch_id = b.id)
    order by b.id limit at_most)
  delete from batches b using old where b.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- Batches are numbered by their claim: below the first one that is left there is none.
  delete from campaign_batches b using campaigns c where b.campaign_id = c.id and b.batch_id < (select min(id) from batches);
  with old as (select c.id from weight_checkpoints c where c.created_at < before order by c.id limit at_most)
  delete from weight_checkpoints c using old where c.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- The first canary of a kind stays: all later ones are compared with it.
  with old as (select c.id from canaries c where c.created_at < before and c.verdict <> 'first' order by c.id limit at_most)
  delete from canaries c using old where c.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- A worker that crashed wrote no end. A live one misses its heartbeat for so long only while its machine sleeps, and registers anew.
  update workers w set stopped_at = w.heartbeat_at, stop_reason = 'no heartbeat for a week'
  where w.stopped_at is null and silent_since(w) < clock_timestamp() - interval '7 days';
  delete from workers w
  where w.stopped_at < before
    and not exists (select from batches b where b.worker_id = w.id)
    and not exists (select from weight_checkpoints c where c.worker_id = w.id)
    and not exists (select from canaries c where c.worker_id = w.id);
  get diagnostics affected = row_count;
  return removed + affected;
end $$;
comment on function prune_history is
  'Deletes batches, checkpoints, canaries and workers past their retention that no job refers to; returns how many rows.';
