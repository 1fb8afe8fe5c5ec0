-- Ids of jobs of a tenant. @tenant text, @before bigint, @state text or null, @signature text or null, @text text (a LIKE pattern) or null,
-- @tag text or null, @limit int. Newest first. Looks at 20,000 jobs of the tenant at most, whatever others submitted, and stops when the
-- page is full. Index job_recipes_by_tenant: compared as a row, so that the planner cannot walk the primary key through everybody's jobs
-- instead.
select r.job_id
from (
  select tenant_id, job_id, recipe ->> 'prompt' as prompt, tags
  from job_recipes
  where (tenant_id, job_id) < ((select id from tenants where name_key = lower(@tenant)), @before)
    and tenant_id >= (select id from tenants where name_key = lower(@tenant))
  order by tenant_id desc, job_id desc
  limit 20000) r
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
where (@text::text is null or r.prompt ilike @text)
  and (@tag::text is null or @tag = any(r.tags))
order by r.tenant_id desc, r.job_id desc
limit @limit
