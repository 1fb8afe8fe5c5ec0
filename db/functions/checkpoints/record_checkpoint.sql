create or replace function record_checkpoint(
  of_worker uuid, of_batch bigint, with_epoch bigint, on_model text, on_device text, compute_type text, judged text, expected text,
  actual text, tensors int, size_bytes bigint, drifted text[], elapsed_ms double precision, reloaded_tensors int, reloaded_bytes bigint,
  reload_ms double precision)
returns table (checkpoint_id bigint, images_verified int, jobs_requeued int)
language plpgsql security definer as $$
#variable_conflict use_variable
declare
  unchecked batches;
  affected int;
begin
  images_verified := 0;
  jobs_requeued := 0;
  insert into weight_checkpoints as c (worker_id, batch_id, model, device, compute_type, verdict, expected_digest, actual_digest, tensors,
    size_bytes, drifted_tensors, elapsed_ms, reloaded_tensors, reloaded_bytes, reload_ms)
  values (of_worker, of_batch, on_model, on_device, compute_type, judged, expected, actual, tensors,
    size_bytes, drifted, elapsed_ms, reloaded_tensors, reloaded_bytes, reload_ms)
  returning c.id into checkpoint_id;

  for unchecked in
    select * from batches b where b.worker_id = of_worker and b.checked_completions < b.completions order by b.id for no key update
  loop
    if judged = 'passed' then
      select count_moves(array_agg(j.group_id), array_agg(j.campaign_id), null, 'verified') into affected
      from unnest(unchecked.job_ids) u(id)
      join images i on i.job_id = u.id and i.batch_id = unchecked.id and i.completion > unchecked.checked_completions
      join jobs j on j.id = u.id;
      images_verified := images_verified + affected;
      update batches b set checked_completions = b.completions, verified = b.verified + affected, verified_at = clock_timestamp(),
        checkpoint_id = record_checkpoint.checkpoint_id
      where b.id = unchecked.id;
    else
      -- Restored and unrecoverable come after a drift: they do not cover what was rendered before them either.
      jobs_requeued := jobs_requeued + discard_unchecked(unchecked, 'weight_integrity',
        format('Checkpoint %s found base weights changed (%s); the image is rendered again.', checkpoint_id,
          coalesce(nullif(array_to_string(drifted[1:3], ', '), ''), judged)));
    end if;
  end loop;
  update weight_checkpoints c
  set images_verified = record_checkpoint.images_verified, jobs_requeued = record_checkpoint.jobs_requeued
  where c.id = checkpoint_id;
  return next;
end $$;
comment on function record_checkpoint is
  'Writes a checkpoint with its consequence: passed verifies the worker''s unverified images, anything else requeues their jobs.';
