-- Ids of jobs whose prompt holds a text. @text text (a LIKE pattern), @tag text or null, @before bigint, @state text or null, @signature
-- text or null, @limit int. Newest first. Looks at 20,000 jobs at most, so that its cost has a bound, and stops when the page is full.
-- Primary keys.
select r.job_id
from (
  select job_id, recipe ->> 'prompt' as prompt, tags from job_recipes where job_id < @before order by job_id desc limit 20000) r
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
where r.prompt ilike @text and (@tag::text is null or @tag = any(r.tags))
order by r.job_id desc
limit @limit
