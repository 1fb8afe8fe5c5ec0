create or replace function write_batch(claim claim_state, lease interval) returns batches
language plpgsql as $$
-- The batch carries the lease; its jobs only name it.
declare
  memory constant claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  batch batches;
  moved int;
begin
  if not instant_fits(clock_timestamp() + lease) then perform refuse_span('claim_batch', 'lease', lease); end if;
  insert into batches (worker_id, lease_expires_at, lease, group_id, unended, fused, signature, job_ids)
  values (claim.worker_id, clock_timestamp() + lease, lease, groups[claim.place].group_id, cardinality(claim.job_ids),
    claim.signature is distinct from memory.signature, claim.signature, claim.job_ids)
  returning * into batch;
  -- By place, which the lock of take_jobs holds still: no second search for each job.
  with taken as (
    update jobs j set state = 'running', indexed_state = null, batch_id = batch.id, attempts = j.attempts + 1
    where j.ctid = any(claim.job_rows)
    returning j.group_id, j.campaign_id)
  select count_moves(array_agg(t.group_id), array_agg(t.campaign_id), 'queued', 'running')
  into moved
  from taken t;
  if batch.fused then
    insert into job_count_changes (group_id, campaign_id, state, change) values (batch.group_id, 0, 'fusions', 1);
  end if;
  return batch;
end $$;
comment on function write_batch is 'Step of claim_batch: writes the batch with its lease, and sets its jobs running.';
