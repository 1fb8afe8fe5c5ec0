create or replace function complete_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], paths text[], sizes bigint[], sha256s text[], widths int[], heights int[],
  seeds bigint[], recipes text[])
returns int
language plpgsql security definer as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  free constant tid[] := free_jobs(of_batch, complete_jobs.job_ids);
  this_completion constant int := held.completions + 1;
  done bigint[];
  changed int;
begin
  -- A job cancelled meanwhile is not running any more and stays cancelled. What the image needs travels through the update: joining it
  -- again would compare every job with every other.
  with ended as (
    update jobs j set state = 'succeeded', finished_at = clock_timestamp()
    from unnest(complete_jobs.job_ids, paths, sizes, sha256s, widths, heights, seeds, recipes)
      u(id, path, size_bytes, sha256, width, height, seed, recipe)
    where j.id = u.id and j.ctid = any(free)
    returning j.id, j.group_id, j.campaign_id, u.path, u.size_bytes, u.sha256, u.width, u.height, u.seed, u.recipe),
  saved as (
    insert into images (job_id, batch_id, size_bytes, seed, completion, width, height, sha256, path, recipe)
    select e.id, of_batch, e.size_bytes, e.seed, this_completion, e.width, e.height, decode(e.sha256, 'hex'), e.path, e.recipe::jsonb
    from ended e),
  belonging as (
    insert into campaign_batches (campaign_id, batch_id)
    select distinct e.campaign_id, of_batch from ended e where e.campaign_id <> 0
    on conflict do nothing)
  select array_agg(e.id),
    count_moves(array_agg(e.group_id), array_agg(e.campaign_id), 'running', 'succeeded')
  into done, changed
  from ended e;
  update batches b set completions = this_completion, finished = b.finished + changed, unended = b.unended - changed,
    images = b.images + changed
  where b.id = of_batch;
  perform notify_done(done);
  return changed;
end $$;
comment on function complete_jobs is 'Records images of a batch; returns how many jobs succeeded by it.';
