create or replace function enqueue_jobs(checked checked_job[], tenant_id int, max_priority smallint) returns setof bigint
language plpgsql
-- One plan for any number of jobs: the arrays are zipped, never joined, and every look-up goes through a key.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  for_tenant constant int := enqueue_jobs.tenant_id;
  submitted_at constant timestamptz := clock_timestamp();
  fresh bigint[];
  final bigint[];
  groups_of int[];
  campaigns_of int[];
  has_keys boolean;
  has_campaigns boolean;
  ready_groups int[];
begin
  -- 1. Ids, and the dispatch group of each job; groups that are new are made
  select array_agg(nextval('jobs_id_seq')), coalesce(bool_or(c.idempotency_key is not null), false), coalesce(bool_or(c.campaign is not null), false)
  into fresh, has_keys, has_campaigns
  from unnest(checked) c;
  loop
    select array_agg((select g.id from dispatch_groups g where g.model_id = c.model_id and g.priority = least(c.priority, max_priority) and g.tenant_id = for_tenant) order by c.n)
    into groups_of
    from (select u.model_id, u.priority, u.n from unnest(checked) with ordinality as u(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, n)) c;
    exit when array_position(groups_of, null) is null;
    insert into dispatch_groups (model_id, priority, tenant_id)
    select distinct c.model_id, least(c.priority, max_priority), for_tenant from unnest(checked) c
    order by 1, 2
    on conflict do nothing;
  end loop;

  -- 2. Campaigns that are new
  if has_campaigns then
    insert into campaigns (tenant_id, name)
    select distinct for_tenant, c.campaign from unnest(checked) c
    where c.campaign is not null and not exists (select from campaigns k where k.tenant_id = for_tenant and k.name = c.campaign)
    order by 2
    on conflict do nothing;
    select array_agg(coalesce((select k.id from campaigns k where k.tenant_id = for_tenant and k.name = c.campaign), 0) order by c.n)
    into campaigns_of
    from (select u.campaign, u.n from unnest(checked) with ordinality as u(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, n)) c;
  end if;

  -- 3. Keys: the first submit of a key wins, also against one that has not committed yet (the insert waits for it).
  -- In key order, so that two bulk submits cannot wait for each other.
  final := fresh;
  if has_keys then
    insert into idempotency_keys (tenant_id, key, job_id)
    select distinct on (c.idempotency_key collate "C") for_tenant, c.idempotency_key, c.id
    from rows from (unnest(checked), unnest(fresh)) with ordinality as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, n)
    where c.idempotency_key is not null
    order by c.idempotency_key collate "C", n
    on conflict do nothing;
    select array_agg(coalesce((select k.job_id from idempotency_keys k where k.tenant_id = for_tenant and k.key = c.idempotency_key), c.id) order by n)
    into final
    from rows from (unnest(checked), unnest(fresh)) with ordinality as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, n);
  end if;

  -- 4. Whom to wake, decided before the new rows are there
  select array_agg(distinct c.group_id) into ready_groups
  from rows from (unnest(checked), unnest(groups_of)) as c(
    model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
    sampler, prompt, negative_prompt, start_image, tags, idempotency_key, group_id)
  where c.run_at is null or c.run_at <= submitted_at;
  if ready_groups is not null then perform notify_work(ready_groups, cardinality(checked) > 1); end if;

  -- 5. The jobs, neighbours of one signature side by side. A start time in the past counts as now: it must not let a job overtake those that waited.
  with fresh_jobs as (
    insert into jobs (id, run_at, deadline, group_id, campaign_id, max_attempts, indexed_state, signature)
    overriding system value
    -- One microsecond apart, in the order they are written: the floor that claims remember must tell jobs of one call apart.
    select c.id, case when c.run_at > submitted_at then c.run_at
        else submitted_at + row_number() over (order by c.group_id, c.signature collate "C", c.id) * interval '1 microsecond' end, c.deadline, c.group_id, coalesce(c.campaign_id, 0), c.max_attempts,
      case when c.run_at > submitted_at then 'scheduled' else 'ready' end, c.signature
    from rows from (unnest(checked), unnest(fresh, final, groups_of, campaigns_of)) as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, final_id, group_id, campaign_id)
    where c.id = c.final_id
    order by c.group_id, c.signature collate "C", c.id
    returning group_id, campaign_id),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select group_id, campaign_id, 'queued', count(*) from fresh_jobs group by group_id, campaign_id)
  insert into job_recipes (
    job_id, created_at, seed, guidance_scale, guidance_rescale, strength, tenant_id, campaign_id, width, height, steps, clip_skip, format, sampler, prompt, negative_prompt, start_image, tags)
  select c.id, submitted_at, c.seed, c.guidance_scale, c.guidance_rescale, c.strength, for_tenant, coalesce(c.campaign_id, 0), c.width, c.height, c.steps, c.clip_skip, c.format, c.sampler,
    c.prompt, c.negative_prompt, c.start_image, c.tags
  from rows from (unnest(checked), unnest(fresh, final, campaigns_of)) as c(
    model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
    sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, final_id, campaign_id)
  where c.id = c.final_id
  order by c.signature collate "C", c.id;

  return query select unnest(final);
end $$;
comment on function enqueue_jobs is 'Writes checked jobs; returns one id each, that of the first job of its idempotency key.';
