-- Ids of jobs of a campaign. @before bigint (ids below it), @limit int, @campaign text, @state text or null, @signature text or null. Newest first. Index job_recipes_by_campaign.
-- One walk per campaign of that name (tenants may share it): only with one campaign at a time does the index give the order.
select f.id
from campaigns c
cross join lateral (
  select r.job_id as id
  from job_recipes r
  cross join lateral (
    select from jobs j
    where j.id = r.job_id
      and (@state::text is null or j.state = @state)
      and (@signature::text is null or j.signature = @signature)
    limit 1) j
  where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id < @before
  order by r.job_id desc
  limit @limit) f
where c.name = @campaign
order by f.id desc
limit @limit
