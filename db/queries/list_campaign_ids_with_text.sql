-- Ids of a campaign's jobs whose prompt holds a text. @text text (a LIKE pattern), @before bigint, @campaign text, @state text or null, @limit int.
-- Newest first. Looks at 20,000 jobs at most, so that its cost has a bound. Index job_recipes_by_campaign.
with recent as materialized (
  select f.job_id, f.prompt
  from campaigns c
  cross join lateral (
    select r.job_id, r.prompt
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id < @before
    order by r.job_id desc
    limit 20000) f
  where c.name = @campaign)
select r.job_id
from recent r
join jobs j on j.id = r.job_id
where r.prompt ilike @text and (@state::text is null or j.state = @state)
order by r.job_id desc
limit @limit
