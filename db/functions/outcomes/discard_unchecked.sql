create or replace function discard_unchecked(of_batch batches, why text, said text) returns int
language plpgsql as $$
-- Images that no checkpoint vouches for: their jobs are rendered again, the attempt not counted.
declare
  these bigint[];
  changed int;
begin
  select array_agg(i.job_id) into these
  from unnest(of_batch.job_ids) u(id) join images i on i.job_id = u.id
  where i.batch_id = of_batch.id and i.completion > of_batch.checked_completions;
  changed := requeue_jobs(of_batch.id, these, 'succeeded', why, said, false);
  update batches b set checked_completions = b.completions, images = b.images - changed where b.id = of_batch.id;
  return changed;
end $$;
