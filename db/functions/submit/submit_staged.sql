create or replace function submit_staged(load text default '', tenant text default null) returns bigint
language plpgsql security definer
set search_path from current
set jit = off
-- The table was filled a moment ago and has no statistics: hash joins are right here, and a sort of a million rows should stay in memory.
set enable_mergejoin = off
set enable_nestloop = off
set work_mem = '256MB'
as $$
#variable_conflict use_column
declare
  of_load constant text := submit_staged.load;
  owner tenants := owner_of_submit(submit_staged.tenant);
  now_at constant timestamptz := clock_timestamp();
  bad staged_jobs;
  line bigint;
  pair record;
  checked checked_job;
  pair_models text[] := '{}';
  pair_adapters text[] := '{}';
  model_ids int[] := '{}';
  signatures text[] := '{}';
  group_keys text[] := '{}';
  repeated bigint[];
  staged bigint;
  has_adapters_in_prompts boolean;
  has_campaigns boolean;
  has_keys boolean;
  left_out bigint := 0;
  submitted bigint;
  removed bigint;
begin
  -- 1. How many rows there are, which the end compares, and which steps have anything to do
  perform pg_advisory_xact_lock(load_lock(of_load, session_user));
  select count(*), count(*) filter (where strpos(s.prompt, '<lora:') > 0) > 0, count(s.campaign) > 0, count(s.idempotency_key) > 0
  into staged, has_adapters_in_prompts, has_campaigns, has_keys
  from staged_jobs s where s.load = of_load and s.staged_by = session_user;

  -- 2. Adapters written into prompts; then each spelling of model and adapters once, however many rows share it
  if has_adapters_in_prompts then
    update staged_jobs s set (prompt, adapters) = (select p.rest, concat_ws('+', nullif(s.adapters, ''), p.adapters) from split_prompt(s.prompt) p)
    where s.load = of_load and s.staged_by = session_user and strpos(s.prompt, '<lora:') > 0;
  end if;
  for pair in
    select coalesce(s.model, '') as model, coalesce(s.adapters, '') as adapters, coalesce(s.priority, 0) as priority, min(s.job_id) as first
    from staged_jobs s where s.load = of_load and s.staged_by = session_user
    group by 1, 2, 3
    order by 1, 2, 3
  loop
    if pair.model is distinct from pair_models[cardinality(pair_models)] or pair.adapters <> pair_adapters[cardinality(pair_adapters)] then
      begin
        checked := check_job(jsonb_build_object('model', nullif(pair.model, ''), 'adapters', pair.adapters), 'line ?');
      exception when sqlstate 'BG001' then
        -- Only now count the line, which reads the rows before it, and say it again with its number.
        select count(*) into line from staged_jobs s where s.load = of_load and s.staged_by = session_user and s.job_id <= pair.first;
        checked := check_job(jsonb_build_object('model', nullif(pair.model, ''), 'adapters', pair.adapters), 'line ' || line);
      end;
      pair_models := pair_models || pair.model;
      pair_adapters := pair_adapters || pair.adapters;
      model_ids := model_ids || checked.model_id;
      signatures := signatures || checked.signature;
    end if;
    if pair.priority between -100 and 100 and checked.model_id || ',' || pair.priority <> all(group_keys) then
      group_keys := group_keys || (checked.model_id || ',' || pair.priority);
    end if;
  end loop;

  -- 3. The first row that breaks a rule. check_job words the refusal, so that every way of submitting says the same.
  select s.* into bad
  from staged_jobs s
  where s.load = of_load and s.staged_by = session_user
    and not (
      char_length(coalesce(s.prompt, '')) <= 20000 and char_length(coalesce(s.negative_prompt, '')) <= 20000
      and coalesce(s.width % 8 = 0 and s.width between 64 and 2048, s.width is null) and coalesce(s.height % 8 = 0 and s.height between 64 and 2048, s.height is null)
      and coalesce(s.steps between 1 and 1000, true) and coalesce(s.guidance_scale between 0 and 100, true)
      and coalesce(s.guidance_rescale between 0 and 1, true) and (s.strength is null or s.start_image is not null)
      and (s.start_image is null
        or (is_start_image_name(s.start_image) and coalesce(s.strength, 0.8) <= 1 and coalesce(s.steps, 20) * coalesce(s.strength, 0.8) >= 1))
      and coalesce(s.clip_skip between 0 and 11, true) and coalesce(s.priority between -100 and 100, true) and coalesce(s.max_attempts between 1 and 100, true)
      and coalesce(s.format in ('png', 'webp', 'jpeg'), true) and (s.sampler is null or s.sampler in (select k.name from samplers k))
      and coalesce(isfinite(s.run_at), true) and coalesce(isfinite(s.deadline) and s.deadline > greatest(s.run_at, now_at), true)
      and coalesce(char_length(s.campaign) between 1 and 200, true) and coalesce(char_length(s.idempotency_key) between 1 and 200, true)
      and (s.tags is null or s.tags = '{}' or (cardinality(s.tags) <= 32 and array_ndims(s.tags) = 1
        and array_position(s.tags, null) is null and array_position(s.tags, '') is null
        -- Words that are short together are short each, which is quicker to see.
        and (octet_length(array_to_string(s.tags, '')) <= 100 or not exists (select from unnest(s.tags) t where char_length(t) > 100)))))
  order by s.job_id
  limit 1;
  if found then
    select count(*) into line from staged_jobs s where s.load = of_load and s.staged_by = session_user and s.job_id <= bad.job_id;
    perform check_job(staged_job_json(bad), 'line ' || line);
    perform refuse('line ' || line, null, 'the row breaks a rule of docs/sql-api.md; use lower case for names, and numbers in range.');
  end if;

  -- 4. Dispatch groups, campaigns and keys, in this order and each sorted, as enqueue_jobs makes them: two submits then cannot wait for each other.
  insert into dispatch_groups (model_id, priority, tenant_id)
  select distinct split_part(k, ',', 1)::int, least(split_part(k, ',', 2)::int, owner.max_priority), owner.id
  from unnest(group_keys) k
  order by 1, 2
  on conflict do nothing;
  if has_campaigns then
    insert into campaigns (tenant_id, name)
    select distinct owner.id, s.campaign from staged_jobs s
    where s.load = of_load and s.staged_by = session_user and s.campaign is not null
    order by 2
    on conflict do nothing;
  end if;
  if has_keys then
    with keyed as (
      insert into idempotency_keys (tenant_id, key, job_id)
      select owner.id, s.idempotency_key, min(s.job_id) from staged_jobs s
      where s.load = of_load and s.staged_by = session_user and s.idempotency_key is not null
      group by s.idempotency_key order by s.idempotency_key collate "C"
      on conflict do nothing
      returning job_id)
    select array_agg(s.job_id) into repeated
    from staged_jobs s left join keyed k on k.job_id = s.job_id
    where s.load = of_load and s.staged_by = session_user and s.idempotency_key is not null and k.job_id is null;
    delete from staged_jobs s where s.job_id = any(repeated);
    get diagnostics left_out = row_count;
  end if;

  -- 5. The jobs, neighbours of one signature side by side: a claim then touches few pages.
  with source as materialized (
    select s.*, row_number() over (order by g.id, p.signature collate "C", s.job_id) as place, g.id as group_id, coalesce(c.id, 0) as campaign_id, p.signature, m.native_width, m.native_height
    from staged_jobs s
    join unnest(pair_models, pair_adapters, model_ids, signatures) p(model, adapters, model_id, signature)
      on p.model = coalesce(s.model, '') and p.adapters = coalesce(s.adapters, '')
    join models m on m.id = p.model_id
    join dispatch_groups g on g.model_id = p.model_id and g.priority = least(coalesce(s.priority, 0), owner.max_priority) and g.tenant_id = owner.id
    left join campaigns c on c.tenant_id = owner.id and c.name = s.campaign
    where s.load = of_load and s.staged_by = session_user
    order by place),
  fresh_jobs as (
    insert into jobs (id, run_at, deadline, group_id, campaign_id, max_attempts, indexed_state, signature)
    overriding system value
    -- One microsecond apart: the floor that claims remember must tell jobs of one load apart.
    select s.job_id, case when s.run_at > now_at then s.run_at else now_at + s.place * interval '1 microsecond' end, s.deadline, s.group_id, s.campaign_id, coalesce(s.max_attempts, 3),
      case when s.run_at > now_at then 'scheduled' else 'ready' end, s.signature
    from source s),
  fresh_recipes as (
    insert into job_recipes (
      job_id, created_at, seed, guidance_scale, guidance_rescale, strength, tenant_id, campaign_id, width, height, steps, clip_skip, format, sampler, prompt, negative_prompt, start_image, tags)
    select s.job_id, now_at, coalesce(s.seed, floor(random() * 4294967296)::bigint), coalesce(s.guidance_scale, 7.5), coalesce(s.guidance_rescale, 0),
      case when s.start_image is not null then coalesce(s.strength, 0.8) end, owner.id, s.campaign_id,
      coalesce(s.width, s.native_width), coalesce(s.height, s.native_height), coalesce(s.steps, 20), coalesce(s.clip_skip, 0), coalesce(s.format, 'png'),
      coalesce(s.sampler, 'ddim'), coalesce(s.prompt, ''), s.negative_prompt, s.start_image, nullif(s.tags, '{}')
    from source s),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select s.group_id, s.campaign_id, 'queued', count(*) from source s group by s.group_id, s.campaign_id
    returning change)
  select coalesce(sum(change), 0) into submitted from counted;

  delete from staged_jobs s where s.load = of_load and s.staged_by = session_user;
  get diagnostics removed = row_count;
  -- Every statement above saw what was committed when it began: rows that came after the count missed a check or a key, and the delete would lose them.
  if submitted + left_out <> staged or removed + left_out <> staged then
    perform refuse('load', null, format('rows were added to load ''%s'' while it was being submitted, and nothing was submitted; '
      'submit again when nobody adds to it, or give each load a name of its own.', of_load));
  end if;
  if submitted > 0 then perform pg_notify(current_schema() || '_jobs', ''); end if;
  return submitted;
end $$;
comment on function submit_staged is 'Submits the rows that this role staged under a load name, all or none; returns how many jobs are new. Rows whose idempotency key is known are left out.';
