-- Ids of cancelled jobs. @before bigint (ids below it), @limit int. Newest first. Index jobs_cancelled.
select id
from jobs
where indexed_state = 'cancelled' and id < @before
order by id desc
limit @limit
