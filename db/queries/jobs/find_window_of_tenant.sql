-- Where list_ids_of_tenant and list_campaign_ids_of_tenant stop looking: the last job of their window, or nothing when there is no job
-- beyond it. @tenant text, @campaign text or null, @before bigint. Indexes job_recipes_by_tenant, job_recipes_by_campaign; no rows of the
-- table.
select w.job_id
from tenants t
cross join lateral (
  (select job_id
  from job_recipes
  where @campaign::text is null and (tenant_id, job_id) < (t.id, @before) and tenant_id >= t.id
  order by tenant_id desc, job_id desc
  offset 19999
  limit 1)
  union all
  (select r.job_id
  from campaigns c
  cross join lateral (
    select job_id
    from job_recipes
    where (campaign_id, job_id) < (c.id, @before) and campaign_id >= c.id and campaign_id <> 0
    order by campaign_id desc, job_id desc
    offset 19999
    limit 1) r
  where c.tenant_id = t.id and c.name = @campaign)) w
where t.name_key = lower(@tenant)
