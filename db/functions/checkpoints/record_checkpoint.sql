create or replace function record_checkpoint(
  of_worker uuid, of_batch bigint, with_epoch bigint, on_model text, on_device text, compute_type text, judged text, expected text, actual text,
  tensors int, size_bytes bigint, drifted text[], elapsed_ms double precision, reloaded_tensors int, reloaded_bytes bigint, reload_ms double precision)
returns table (checkpoint_id bigint, images_verified int, jobs_requeued int)
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  new_id bigint;
  unchecked batches;
  verified int := 0;
  requeued int := 0;
  affected int;
begin
  insert into weight_checkpoints (worker_id, batch_id, model, device, compute_type, verdict, expected_digest, actual_digest, tensors, size_bytes,
    drifted_tensors, elapsed_ms, reloaded_tensors, reloaded_bytes, reload_ms)
  values (of_worker, of_batch, on_model, on_device, record_checkpoint.compute_type, judged, expected, actual, record_checkpoint.tensors, record_checkpoint.size_bytes,
    drifted, record_checkpoint.elapsed_ms, record_checkpoint.reloaded_tensors, record_checkpoint.reloaded_bytes, record_checkpoint.reload_ms)
  returning id into new_id;

  for unchecked in
    select * from batches b where b.worker_id = of_worker and b.checked_completions < b.completions order by b.id for no key update
  loop
    if judged = 'passed' then
      with counted as (
        insert into job_count_changes (group_id, campaign_id, state, change)
        select j.group_id, j.campaign_id, 'verified', count(*)
        from unnest(unchecked.job_ids) u(id)
        join images i on i.job_id = u.id and i.batch_id = unchecked.id and i.completion > unchecked.checked_completions
        join jobs j on j.id = u.id
        group by j.group_id, j.campaign_id
        returning change)
      select coalesce(sum(change), 0) into affected from counted;
      verified := verified + affected;
      update batches b set checked_completions = b.completions, verified = b.verified + affected, verified_at = clock_timestamp(), checkpoint_id = new_id where b.id = unchecked.id;
    else
      -- Restored and unrecoverable come after a drift: what was rendered before them is not vouched for either.
      requeued := requeued + discard_unchecked(unchecked, 'weight_integrity',
        format('Checkpoint %s found base weights changed (%s); the image is rendered again.', new_id,
          coalesce(nullif(array_to_string(drifted[1:3], ', '), ''), judged)));
    end if;
  end loop;
  update weight_checkpoints c set images_verified = verified, jobs_requeued = requeued where c.id = new_id;
  return query select new_id, verified, requeued;
end $$;
comment on function record_checkpoint is 'Writes a checkpoint with its consequence: passed verifies the worker''s unverified images, anything else requeues their jobs.';
