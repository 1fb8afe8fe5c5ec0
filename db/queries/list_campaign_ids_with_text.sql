-- Ids of a campaign's jobs whose prompt holds a text. @text text (a LIKE pattern), @tag text or null, @before bigint, @campaign text, @state text or null,
-- @signature text or null, @limit int. Newest first. Looks at 20,000 jobs at most, so that its cost has a bound, and stops when the page is full.
-- Index job_recipes_by_campaign; one walk per campaign of that name (tenants may share it).
select f.job_id
from campaigns c
cross join lateral (
  select r.job_id
  from (
    select job_id, prompt, tags
    from job_recipes
    where campaign_id = c.id and campaign_id <> 0 and job_id < @before
    order by job_id desc
    limit 20000) r
  cross join lateral (
    select from jobs j
    where j.id = r.job_id
      and (@state::text is null or j.state = @state)
      and (@signature::text is null or j.signature = @signature)
    limit 1) j
  where r.prompt ilike @text and (@tag::text is null or @tag = any(r.tags))
  order by r.job_id desc
  limit @limit) f
where c.name = @campaign
order by f.job_id desc
limit @limit
