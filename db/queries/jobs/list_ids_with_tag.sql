-- Ids of jobs with a tag that few of the newest jobs have. @tag text, @before bigint, @state text or null, @signature text or null, @limit
-- int. Newest first. Index job_recipes_by_tag; the offset keeps the planner from walking the primary key instead until it has met the tag
-- often enough.
select r.job_id
from (
  select t.job_id from (select job_id from job_recipes where tags @> array[@tag] offset 0) t
  where t.job_id < @before order by t.job_id desc limit 20000) r
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
order by r.job_id desc
limit @limit
