-- Ids of failed jobs. @before bigint (ids below it), @limit int. Newest first. Index jobs_failed.
select id
from jobs
where indexed_state = 'failed' and id < @before
order by id desc
limit @limit
