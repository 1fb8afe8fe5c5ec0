create or replace function archive_jobs(
  older_than interval, at_most int default 5000, after_id bigint default 0, out moved int, out last_id bigint)
language plpgsql security definer as $$
-- One chunk of a walk up from the oldest job. Jobs are numbered about in the order of their submission and end after it, so the walk is
-- over at the first chunk with a job submitted after the limit; old jobs that have not ended are stepped over, however many they are.
declare
  ended_before constant timestamptz := clock_timestamp() - older_than;
  chunk_end bigint;
  goes_on boolean;
  verified_moved int;
begin
  select max(c.job_id), count(*) = at_most and bool_and(c.created_at < ended_before) into chunk_end, goes_on
  from (select r.job_id, r.created_at from job_recipes r where r.job_id > after_id order by r.job_id limit at_most) c;
  with leaving as (
    select j.id from jobs j
    where j.id > after_id and j.id <= chunk_end and j.finished_at < ended_before
      -- An image that no checkpoint has judged may still have to be rendered again.
      and not exists (select from saved_images i where i.job_id = j.id and i.is_unchecked)
    order by j.id
    for update skip locked),
  archived as (
    insert into archived_jobs (job_id, tenant, campaign, state, signature, finished_at, job)
    select j.id, t.name, c.name, j.state, j.signature, j.finished_at, jsonb_strip_nulls(jsonb_build_object(
      'priority', g.priority, 'attempts', j.attempts, 'created_at', r.created_at, 'run_at', j.run_at,
      'tags', r.tags, 'recipe', r.recipe,
      'image', case when i.job_id is not null then jsonb_build_object('path', i.path, 'size_bytes', i.size_bytes,
        'sha256', encode(i.sha256, 'hex'), 'width', i.width, 'height', i.height, 'verified_at', i.verified_at,
        'checkpoint_id', i.checkpoint_id) end,
      'failures', (
        select jsonb_agg(jsonb_build_object('code', a.code, 'message', a.message, 'attempt', a.attempt, 'ended_at', a.ended_at)
          order by a.id)
        from job_attempts a where a.job_id = j.id)))
    from leaving v
    join jobs j on j.id = v.id
    join job_recipes r on r.job_id = j.id
    join dispatch_groups g on g.id = j.group_id
    join tenants t on t.id = g.tenant_id
    left join campaigns c on c.id = j.campaign_id
    left join saved_images i on i.job_id = j.id
    on conflict (job_id) do nothing),
  gone as (
    delete from jobs j using leaving v where j.id = v.id returning j.id, j.group_id, j.campaign_id, j.state),
  recipes_gone as (delete from job_recipes r using leaving v where r.job_id = v.id),
  attempts_gone as (delete from job_attempts a using leaving v where a.job_id = v.id),
  keys_gone as (delete from idempotency_keys k using leaving v where k.job_id = v.id),
  images_gone as (
    delete from images i using leaving v where i.job_id = v.id returning i.job_id, i.batch_id),
  moves as (
    select x.state, array_agg(x.group_id) as group_ids, array_agg(x.campaign_id) as campaign_ids from gone x group by x.state),
  were_verified as (
    select x.group_id, x.campaign_id
    from images_gone i join batches b on b.id = i.batch_id and b.verified_at is not null join gone x on x.id = i.job_id)
  select
    (select coalesce(sum(count_moves(m.group_ids, m.campaign_ids, m.state, null)), 0) from moves m),
    (select count_moves(array_agg(w.group_id), array_agg(w.campaign_id), 'verified', null) from were_verified w)
  into moved, verified_moved;
  if goes_on then last_id := chunk_end; end if;
end $$;
comment on function archive_jobs is
  'Moves those of the next at_most jobs after an id to archived_jobs that ended before their retention; returns how many, and the id to '
  'go on after, null at the end. Their images'' files stay.';
