-- Ids of succeeded jobs. @before bigint (ids below it), @limit int. Newest first. Primary key of images.
select job_id as id
from images
where job_id < @before
order by job_id desc
limit @limit
