create or replace function discard_unchecked(of_batch batches, with_code text, with_message text) returns int
language plpgsql as $$
-- Images of a batch that no passed checkpoint covers: their jobs are rendered again, the attempt not counted.
declare
  these bigint[];
  changed int;
begin
  select array_agg(i.job_id) into these
  from unnest(of_batch.job_ids) u(id) join images i on i.job_id = u.id
  where i.batch_id = of_batch.id and i.completion > of_batch.checked_completions;
  changed := requeue_jobs(of_batch, these, 'succeeded', with_code, with_message, false);
  update batches b set checked_completions = b.completions, images = b.images - changed where b.id = of_batch.id;
  return changed;
end $$;
comment on function discard_unchecked is 'Requeues the jobs of a batch whose images no passed checkpoint covers; returns how many.';
