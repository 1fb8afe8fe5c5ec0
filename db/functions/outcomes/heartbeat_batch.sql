create or replace function heartbeat_batch(
  of_batch bigint, with_epoch bigint, lease interval, finished_jobs int, at_step int, of_steps int)
returns setof bigint
language plpgsql security definer as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
begin
  if not instant_fits(clock_timestamp() + lease) then perform refuse_span('heartbeat_batch', 'lease', lease); end if;
  perform note_beat();
  update batches b set lease_expires_at = clock_timestamp() + heartbeat_batch.lease, renewed_at = clock_timestamp(),
    lease = heartbeat_batch.lease, finished = finished_jobs, step = at_step, steps = of_steps
  where b.id = of_batch;
  perform touch_worker(held.worker_id);
  return query
  select j.id from unnest(held.job_ids) u(id) join jobs j on j.id = u.id where j.batch_id = of_batch and j.state = 'cancelled';
end $$;
comment on function heartbeat_batch is
  'Extends a lease, and says that its worker is alive; returns the jobs of the batch that were cancelled.';
