create or replace function store_jobs(
  for_tenant tenants, submitted_at timestamptz, checked checked_job[], ids bigint[], final_ids bigint[],
  of_load text, spellings job_spelling[])
returns bigint
language plpgsql as $$
-- The one statement that writes jobs: those of an array of checked jobs, and those of a staged load, of which callers give one and leave
-- the other null. Callers settle how it is planned: enqueue_jobs once for any number, by keys; submit_staged anew for each load, by hash
-- joins.
declare
  stored bigint;
begin
  with given as (
    select ids[c.ordinality] as id, c.model_id, c.priority, c.campaign, c.run_at, c.deadline, c.max_attempts, c.signature, c.tags, c.recipe,
      '{}'::jsonb as defaults
    from unnest(checked) with ordinality c
    where ids[c.ordinality] = final_ids[c.ordinality]
    union all
    select s.job_id, p.model_id, s.priority, s.campaign, s.run_at, s.deadline, coalesce(s.max_attempts, default_max_attempts()),
      p.signature, nullif(s.tags, '{}'), s.recipe, p.defaults
    from staged_jobs s
    join unnest(spellings) p on p.model = coalesce(s.model, '') and p.adapters = coalesce(s.adapters, '')
    where s.load = of_load and s.staged_by = session_user),
  placed as materialized (
    -- Neighbours of one signature side by side: a claim then touches few pages.
    select row_number() over (order by o.id, v.signature collate "C", v.id) as place, o.id as group_id, coalesce(k.id, 0) as campaign_id,
      v.id, v.run_at, v.deadline, v.max_attempts, v.signature, v.tags, filled_recipe(v.recipe, v.defaults) as recipe
    from given v
    join dispatch_groups o on o.model_id = v.model_id and o.priority = capped_priority(v.priority, for_tenant.max_priority)
      and o.tenant_id = for_tenant.id
    left join campaigns k on k.tenant_id = for_tenant.id and k.name = v.campaign
    order by o.id, v.signature collate "C", v.id),
  stored_jobs as (
    insert into jobs (id, run_at, deadline, group_id, campaign_id, max_attempts, indexed_state, signature)
    overriding system value
    select p.id,
      -- A start time in the past counts as now: it must not let a job overtake those that waited. One microsecond apart, in the order they
      -- are written: the scan start that claims remember must tell jobs of one call apart.
      case when p.run_at > submitted_at then p.run_at else submitted_at + p.place * interval '1 microsecond' end,
      p.deadline, p.group_id, p.campaign_id, p.max_attempts,
      case when p.run_at > submitted_at then 'scheduled' else 'ready' end, p.signature
    from placed p),
  stored_recipes as (
    insert into job_recipes (job_id, created_at, tenant_id, campaign_id, tags, recipe)
    select p.id, submitted_at, for_tenant.id, p.campaign_id, p.tags, p.recipe
    from placed p),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select p.group_id, p.campaign_id, 'queued', count(*) from placed p group by p.group_id, p.campaign_id
    returning change)
  select coalesce(sum(change), 0) into stored from counted;
  return stored;
end $$;
comment on function store_jobs is 'Writes checked jobs and staged rows into the queue; returns how many.';
