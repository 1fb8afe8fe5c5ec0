create or replace function claim_batch(
  by_worker uuid, of_models text[], max_jobs int, lease interval, max_wait interval, max_batches int, memory jsonb default null,
  max_pixels bigint default null)
returns table (
  batch_id bigint, epoch bigint, signature text, lease_expires_at timestamptz, remembered jsonb, job_id bigint, attempt smallint,
  recipe jsonb)
language plpgsql security definer as $$
-- One batch for one worker, by the rules of docs/queue.md, "Order of dispatch", in one short transaction of index probes. Each step is a
-- function of its own.
#variable_conflict use_variable
declare
  claim claim_state;
  batch batches;
begin
  -- The commit does not wait for the disk: a crash of the server in the next moments undoes the claim, as if the worker had stopped
  -- answering, and what it still sends is refused.
  perform set_config('synchronous_commit', 'off', true);
  perform note_beat();
  claim := begin_claim(by_worker, of_models, max_jobs, max_wait, max_batches, memory, max_pixels);
  if worker_may_claim(by_worker) then
    perform advance_clock_fully();
    claim := find_waiting_groups(claim);
    claim := choose_signature(claim);
    claim := take_jobs(claim);
  end if;
  if claim.job_ids is null then
    remembered := to_jsonb(claim.memory);
    return next;
    return;
  end if;
  batch := write_batch(claim, lease);
  claim.memory := remember_batch(claim);
  return query select * from claimed_jobs(batch, to_jsonb(claim.memory), claim.job_ids, claim.job_attempts);
end $$;
comment on function claim_batch is
  'Leases up to max_jobs waiting jobs of one signature to a worker; one row per job. When nothing waits that the worker may take, one row '
  'without a job. Remembered (type claim_memory) goes back in as memory at the worker''s next claim.';
