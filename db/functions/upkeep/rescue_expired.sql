create or replace function rescue_expired(unserved_limit interval default null) returns int
language plpgsql security definer as $$
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  dead batches;
  rescued int := 0;
begin
  perform note_beat();
  -- A producer that cancelled jobs and does not commit may keep one locked that succeeded at that moment. Its batch is left to a later
  -- rescue then, and the others are rescued.
  perform set_config('lock_timeout', '250ms', true);
  -- 1. Leases from before the clock was set back would live for as long as it was set back.
  update batches b set renewed_at = started, lease_expires_at = started + b.lease
  where b.state = 'open' and b.renewed_at > started + interval '1 second';

  -- 2. Leases that ran out
  for dead in
    select * from batches b where b.state = 'open' and b.lease_expires_at <= started order by b.lease_expires_at for update skip locked
  loop
    continue when not lease_ran_out(dead, started);
    begin
      perform rescue_batch(dead, started);
      rescued := rescued + 1;
    exception when lock_not_available then
      null;
    end;
  end loop;

  -- 3. Ended batches whose worker stopped or stopped answering: no checkpoint will ever cover their images.
  for dead in
    select b.* from workers w join batches b on b.worker_id = w.id and b.checked_completions < b.completions
    where b.state = 'ended' and (w.stopped_at is not null or silent_since(w) < started - interval '10 minutes')
    for update of b skip locked
  loop
    begin
      perform discard_unchecked(dead, 'worker_lost', 'The worker stopped answering before a checkpoint covered the image.');
      rescued := rescued + 1;
    exception when lock_not_available then
      null;
    end;
  end loop;

  -- 4. Jobs that another session had locked when their batch ended
  perform settle_jobs();

  -- 5. Deadlines pass also while nobody claims.
  perform advance_clock();

  -- 6. Jobs that no living worker could serve for too long
  perform fail_unserved(unserved_limit);
  perform fail_unbegun(unserved_limit);
  perform fold_counts();
  delete from job_endings e where e.ended_at < started - endings_retention();
  return rescued;
end $$;
comment on function rescue_expired is
  'Takes back leases that ran out, and fails jobs that no living worker could serve for longer than a limit (null for none); returns how '
  'many batches were rescued.';
