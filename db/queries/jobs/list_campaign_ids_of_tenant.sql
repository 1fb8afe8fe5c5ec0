-- Ids of jobs of a tenant's campaign. @tenant text, @campaign text, @before bigint, @state text or null, @signature text or null, @text
-- text (a LIKE pattern) or null, @tag text or null, @limit int. Newest first. Looks at 20,000 jobs of the campaign at most, and stops when
-- the page is full. Index job_recipes_by_campaign, compared as a row as in list_ids_of_tenant.
select r.job_id
from (
  select campaign_id, job_id, recipe ->> 'prompt' as prompt, tags
  from job_recipes
  where (campaign_id, job_id) < (
      (select c.id from campaigns c join tenants t on t.id = c.tenant_id where t.name_key = lower(@tenant) and c.name = @campaign), @before)
    and campaign_id >= (
      select c.id from campaigns c join tenants t on t.id = c.tenant_id where t.name_key = lower(@tenant) and c.name = @campaign)
    and campaign_id <> 0
  order by campaign_id desc, job_id desc
  limit 20000) r
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
where (@text::text is null or r.prompt ilike @text)
  and (@tag::text is null or @tag = any(r.tags))
order by r.campaign_id desc, r.job_id desc
limit @limit
