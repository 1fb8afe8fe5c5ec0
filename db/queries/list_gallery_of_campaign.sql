-- Pictures of a campaign, newest job first. @campaign text, @before_job bigint, @limit int. Index job_recipes_by_campaign. Looks at 20,000 jobs at most.
with recent as materialized (
  select f.*
  from campaigns c
  cross join lateral (
    select r.job_id, r.prompt
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id < @before_job
    order by r.job_id desc
    limit 20000) f
  where c.name = @campaign)
select i.batch_id, i.job_id, b.signature, r.prompt, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
from recent r
join images i on i.job_id = r.job_id
join batches b on b.id = i.batch_id
order by i.job_id desc
limit @limit
