-- Ids of jobs with a tag. @tag text, @before bigint, @state text or null, @limit int. Newest first. Index job_recipes_by_tag, or the primary key for a common tag.
select r.job_id
from job_recipes r
join jobs j on j.id = r.job_id
where r.tags @> array[@tag] and r.job_id < @before and (@state::text is null or j.state = @state)
order by r.job_id desc
limit @limit
