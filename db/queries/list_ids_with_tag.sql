-- Ids of jobs with a tag that few jobs have. @tag text, @before bigint, @state text or null, @signature text or null, @limit int. Newest first. Index job_recipes_by_tag.
select r.job_id
from (
  select job_id from job_recipes where tags @> array[@tag] and job_id < @before order by job_id desc limit 20000) r
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
order by r.job_id desc
limit @limit
