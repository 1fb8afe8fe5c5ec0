create or replace function rescue_expired() returns int
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  dead batches;
  unfinished bigint[];
  finals bigint[];
  name text;
  rescued int := 0;
begin
  -- 1. Leases that ran out
  for dead in
    select * from batches b where b.state = 'open' and b.lease_expires_at <= started order by b.lease_expires_at for update skip locked
  loop
    select w.name into name from workers w where w.id = dead.worker_id;
    -- A raised epoch: whatever the old owner still sends is refused.
    update batches b set state = 'lost', epoch = b.epoch + 1, ended_at = clock_timestamp() where b.id = dead.id;
    -- Nor does it still hold a signature by a batch that it just ended.
    update batches b set lease_expires_at = clock_timestamp()
    where b.signature = dead.signature and b.lease_expires_at > started and b.worker_id = dead.worker_id and b.state = 'ended';
    select array_agg(j.id) into unfinished
    from unnest(dead.job_ids) u(id) join jobs j on j.id = u.id
    where j.batch_id = dead.id and j.state = 'running';

    -- Alone with a worker that went away, again and again: this job is the reason.
    if cardinality(unfinished) = 1 and cardinality(dead.job_ids) = 1 then
      with ended as (
        update jobs j set state = 'failed', indexed_state = 'failed', finished_at = clock_timestamp()
        where j.id = unfinished[1] and j.batch_id = dead.id and j.state = 'running' and j.attempts >= j.max_attempts
        returning j.id, j.group_id, j.campaign_id, j.attempts),
      noted as (
        insert into job_attempts (job_id, attempt, counted, code, message, worker_id, batch_id, started_at)
        select e.id, e.attempts, true, 'worker_lost', format('Worker ''%s'' went away while it rendered this job alone; attempt %s of its limit. See the worker''s log from %s.',
          name, e.attempts, dead.claimed_at), dead.worker_id, dead.id, dead.claimed_at
        from ended e),
      counted as (
        insert into job_count_changes (group_id, campaign_id, state, change)
        select e.group_id, e.campaign_id, s.state, s.sign from ended e cross join (values ('running', -1), ('failed', 1)) s(state, sign))
      select array_agg(e.id) into finals from ended e;
      perform notify_done(finals, 'failed');
    end if;
    perform requeue_jobs(dead.id, unfinished, 'running', 'worker_lost',
      format('Worker ''%s'' went away with a batch of %s jobs, %s of them unfinished; its lease ended at %s.',
        name, cardinality(dead.job_ids), cardinality(unfinished), dead.lease_expires_at),
      -- Its attempt is counted only to a job that was alone: the others may have had a neighbour that brings workers down.
      cardinality(dead.job_ids) = 1, greatest(1, coalesce(cardinality(unfinished), 1) / 2)::smallint);
    perform discard_unchecked(dead, 'worker_lost', format('Worker ''%s'' went away before a checkpoint had vouched for the image.', name));
    rescued := rescued + 1;
  end loop;

  -- 2. Ended batches whose worker is gone: no checkpoint will ever judge their images.
  for dead in
    select b.* from workers w join batches b on b.worker_id = w.id and b.checked_completions < b.completions
    where b.state = 'ended' and (w.stopped_at is not null or w.heartbeat_at < started - interval '10 minutes')
    for update of b skip locked
  loop
    perform discard_unchecked(dead, 'worker_lost', 'The worker went away before a checkpoint had vouched for the image.');
    rescued := rescued + 1;
  end loop;
  -- 3. Deadlines pass also while nobody claims.
  perform advance_clock();
  perform fold_counts();
  return rescued;
end $$;
comment on function rescue_expired is 'Takes back leases that ran out; returns how many batches were rescued.';
