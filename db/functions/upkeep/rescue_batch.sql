create or replace function rescue_batch(dead batches, started timestamptz) returns void
language plpgsql as $$
-- A lease that ran out. Its attempt is counted only to a job that was alone: the others may have had a neighbour that brings workers down.
-- For the same reason they come back with half the batch size as their limit, so that such a job is alone after a few crashes. Nor is it
-- counted to a job that was alone when somebody killed its worker (is_blamed).
declare
  alone constant boolean := cardinality(dead.job_ids) = 1;
  -- A worker that ended while the server was away could not say so: that explains its silence, and no job is charged for it.
  counted constant boolean := alone and dead.renewed_at >= noted_instant('restart_noted') and is_blamed(dead.job_ids[1]);
  worker_name constant text := (select w.name from workers w where w.id = dead.worker_id);
  unfinished bigint[];
  free bigint[];
begin
  -- A raised epoch: whatever the old owner still sends is refused.
  update batches b set state = 'lost', epoch = b.epoch + 1, ended_at = clock_timestamp() where b.id = dead.id;
  -- Nor does it still hold a signature by a batch that it just ended.
  update batches b set lease_expires_at = clock_timestamp()
  where b.signature = dead.signature and b.lease_expires_at > started and b.worker_id = dead.worker_id and b.state = 'ended';
  select array_agg(j.id) into unfinished
  from unnest(dead.job_ids) u(id) join jobs j on j.id = u.id
  where j.batch_id = dead.id and j.state = 'running';
  -- Those that a producer keeps locked are left out without waiting, and settled by a later rescue.
  free := free_jobs_now(dead.id, unfinished);
  if counted and free <> '{}' then perform fail_used_up(dead, worker_name); end if;
  perform requeue_jobs(dead, free, 'running', 'worker_lost',
    format('Worker ''%s'' stopped answering with a batch of %s jobs, %s of them unfinished; its lease ended at %s.',
      worker_name, cardinality(dead.job_ids), coalesce(cardinality(unfinished), 0), dead.lease_expires_at),
    counted, greatest(1, coalesce(cardinality(unfinished), 1) / 2)::smallint);
  perform note_unsettled(dead);
  perform discard_unchecked(dead, 'worker_lost',
    format('Worker ''%s'' stopped answering before a checkpoint covered the image.', worker_name));
end $$;
comment on function rescue_batch is 'Ends a batch whose lease ran out and requeues its jobs.';
