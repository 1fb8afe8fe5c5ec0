-- Ids of jobs whose prompt holds a text. @text text (a LIKE pattern), @before bigint, @campaign text or null, @state text or null, @limit int.
-- Newest first. Looks at 20,000 jobs at most, so that its cost has a bound. Primary key, or job_recipes_by_campaign.
with recent as materialized (
  select r.job_id, r.prompt
  from job_recipes r
  where r.job_id < @before
    and (@campaign::text is null or (r.campaign_id <> 0 and r.campaign_id = any(array(select c.id from campaigns c where c.name = @campaign))))
  order by r.job_id desc
  limit 20000)
select r.job_id
from recent r
join jobs j on j.id = r.job_id
where r.prompt ilike @text and (@state::text is null or j.state = @state)
order by r.job_id desc
limit @limit
