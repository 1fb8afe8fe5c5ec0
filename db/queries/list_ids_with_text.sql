-- Ids of jobs whose prompt holds a text. @text text (a LIKE pattern), @before bigint, @state text or null, @limit int.
-- Newest first. Looks at 20,000 jobs at most, so that its cost has a bound. Primary key.
with recent as materialized (
  select r.job_id, r.prompt from job_recipes r where r.job_id < @before order by r.job_id desc limit 20000)
select r.job_id
from recent r
join jobs j on j.id = r.job_id
where r.prompt ilike @text and (@state::text is null or j.state = @state)
order by r.job_id desc
limit @limit
