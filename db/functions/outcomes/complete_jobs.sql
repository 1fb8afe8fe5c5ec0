create or replace function complete_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], paths text[], sizes bigint[], sha256s text[], widths int[], heights int[], seeds bigint[], recipes text[])
returns int
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  this_completion constant int := held.completions + 1;
  done bigint[];
begin
  -- A job cancelled meanwhile is not running any more and stays cancelled. What the image needs travels through the update: joining it
  -- again would compare every job with every other.
  with ended as (
    update jobs j set state = 'succeeded', finished_at = clock_timestamp()
    from unnest(complete_jobs.job_ids, paths, sizes, sha256s, widths, heights, seeds, recipes) u(id, path, size_bytes, sha256, width, height, seed, recipe)
    where j.id = u.id and j.batch_id = of_batch and j.state = 'running'
    returning j.id, j.group_id, j.campaign_id, u.path, u.size_bytes, u.sha256, u.width, u.height, u.seed, u.recipe),
  saved as (
    insert into images (job_id, batch_id, size_bytes, seed, completion, width, height, sha256, path, recipe)
    select e.id, of_batch, e.size_bytes, e.seed, this_completion, e.width, e.height, decode(e.sha256, 'hex'), e.path, e.recipe::jsonb
    from ended e),
  belonging as (
    insert into campaign_batches (campaign_id, batch_id)
    select distinct e.campaign_id, of_batch from ended e where e.campaign_id <> 0
    on conflict do nothing),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select e.group_id, e.campaign_id, s.state, s.sign * count(*)
    from ended e cross join (values ('running', -1), ('succeeded', 1)) s(state, sign)
    group by e.group_id, e.campaign_id, s.state, s.sign)
  select coalesce(array_agg(e.id), '{}') into done from ended e;
  update batches b set completions = this_completion, finished = b.finished + cardinality(done), unended = b.unended - cardinality(done), images = b.images + cardinality(done)
  where b.id = of_batch;
  perform notify_done(done, 'succeeded');
  return cardinality(done);
end $$;
comment on function complete_jobs is 'Records images of a batch; returns how many jobs succeeded by it.';
