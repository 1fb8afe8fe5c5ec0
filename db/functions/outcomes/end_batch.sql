create or replace function end_batch(of_batch bigint, with_epoch bigint, signature_hold interval, why text) returns int
language plpgsql security definer as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  changed int := 0;
begin
  if not instant_fits(clock_timestamp() + signature_hold) then perform refuse_span('end_batch', 'signature_hold', signature_hold); end if;
  if held.unended > 0 then
    changed := requeue_jobs(held, held.job_ids, 'running', 'requeued', why, false);
    perform note_unsettled(held);
  else
    -- Its jobs are recorded. Should a crash of the server undo the end, the lease runs out instead; the commit need not wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  -- For a moment a small signature stays with the worker that has it fused: it is about to claim again.
  update batches b set state = 'ended', ended_at = clock_timestamp(), lease_expires_at = clock_timestamp() + signature_hold
  where b.id = of_batch;
  return changed;
end $$;
comment on function end_batch is 'Ends a batch; unfinished jobs are requeued, the attempt not counted. Returns how many.';
