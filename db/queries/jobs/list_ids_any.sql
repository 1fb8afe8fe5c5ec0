-- Ids of jobs of any state. @before bigint (ids below it), @limit int. Newest first. Primary key.
select id
from jobs
where id < @before
order by id desc
limit @limit
