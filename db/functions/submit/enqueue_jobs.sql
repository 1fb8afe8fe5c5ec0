create or replace function enqueue_jobs(checked checked_job[], for_tenant tenants) returns setof bigint
language plpgsql as $$
declare
  submitted_at constant timestamptz := clock_timestamp();
  ids constant bigint[] := array(select nextval('jobs_id_seq') from unnest(checked));
  final_ids bigint[] := ids;
  model_ids int[];
  priorities int[];
  campaigns_named text[];
  has_keys boolean;
  has_start_images boolean;
  place int;
  start_image text;
  ready_groups int[];
begin
  -- 1. Dispatch groups and campaigns that are new, and which jobs are known already
  select array_agg(c.model_id), array_agg(capped_priority(c.priority, for_tenant.max_priority)),
    array_agg(c.campaign) filter (where c.campaign is not null), bool_or(c.idempotency_key is not null),
    bool_or(c.recipe ? 'start_image')
  into model_ids, priorities, campaigns_named, has_keys, has_start_images
  from unnest(checked) c;
  if has_start_images then
    perform hold_start_images(array(select distinct lower(c.recipe ->> 'start_image') from unnest(checked) c));
    select c.ordinality - 1, c.recipe ->> 'start_image' into place, start_image
    from unnest(checked) with ordinality c
    where is_start_image_of_others(c.recipe ->> 'start_image', for_tenant.id)
    order by c.ordinality
    limit 1;
    if found then perform refuse_start_image_of_others('jobs[' || place || ']', start_image, for_tenant); end if;
  end if;
  perform ensure_groups(model_ids, priorities, for_tenant.id);
  if campaigns_named is not null then perform ensure_campaigns(campaigns_named, for_tenant.id); end if;
  if has_keys then final_ids := first_ids_of_keys(checked, ids, for_tenant.id); end if;

  -- 2. Whom to wake, decided before the new rows are there
  select array_agg(distinct o.id) into ready_groups
  from unnest(checked) with ordinality c
  join dispatch_groups o on o.model_id = c.model_id and o.priority = priorities[c.ordinality] and o.tenant_id = for_tenant.id
  where c.run_at is null or c.run_at <= submitted_at;
  if ready_groups is not null then perform notify_work(ready_groups, cardinality(checked) > 1); end if;

  -- 3. The jobs
  perform store_jobs(for_tenant, submitted_at, checked, ids, final_ids, null, null);
  return query select unnest(final_ids);
end $$;
comment on function enqueue_jobs is 'Writes checked jobs; returns one id each, that of the first job of its idempotency key.';
