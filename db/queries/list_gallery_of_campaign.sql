-- Pictures of a campaign, newest job first. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or null, @before_job bigint, @limit int.
-- Index job_recipes_by_campaign, one walk per campaign of that name. Looks at 20,000 jobs at most, and stops when the page is full.
select f.*
from campaigns c
cross join lateral (
  select i.batch_id, r.job_id, i.signature, r.prompt, i.width, i.height, i.created_at, i.verified
  from (
    select job_id, prompt
    from job_recipes
    where campaign_id = c.id and campaign_id <> 0 and job_id < @before_job
    order by job_id desc
    limit 20000) r
  cross join lateral (
    select i.batch_id, b.signature, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
    from images i
    join batches b on b.id = i.batch_id
    where i.job_id = r.job_id
      and (@signature::text is null or b.signature = @signature)
      and (@from::timestamptz is null or b.claimed_at >= @from)
      and (@to::timestamptz is null or b.claimed_at < @to)
    limit 1) i
  order by r.job_id desc
  limit @limit) f
where c.name = @campaign
order by f.job_id desc
limit @limit
