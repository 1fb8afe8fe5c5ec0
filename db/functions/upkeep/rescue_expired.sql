create or replace function rescue_expired() returns int
language plpgsql security definer as $$
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  dead batches;
  rescued int := 0;
begin
  -- 1. Leases that ran out
  for dead in
    select * from batches b where b.state = 'open' and b.lease_expires_at <= started order by b.lease_expires_at for update skip locked
  loop
    perform rescue_batch(dead, started);
    rescued := rescued + 1;
  end loop;

  -- 2. Ended batches whose worker stopped or stopped answering: no checkpoint will ever cover their images.
  for dead in
    select b.* from workers w join batches b on b.worker_id = w.id and b.checked_completions < b.completions
    where b.state = 'ended' and (w.stopped_at is not null or w.heartbeat_at < started - interval '10 minutes')
    for update of b skip locked
  loop
    perform discard_unchecked(dead, 'worker_lost', 'The worker stopped answering before a checkpoint covered the image.');
    rescued := rescued + 1;
  end loop;

  -- 3. Jobs that another session had locked when their batch ended
  perform settle_jobs();

  -- 4. Deadlines pass also while nobody claims.
  perform advance_clock();
  perform fold_counts();
  delete from job_endings e where e.ended_at < started - endings_retention();
  return rescued;
end $$;
comment on function rescue_expired is 'Takes back leases that ran out; returns how many batches were rescued.';
