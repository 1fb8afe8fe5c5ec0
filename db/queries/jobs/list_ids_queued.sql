-- Ids of waiting jobs. @before bigint (ids below it), @limit int. Newest first. Index jobs_waiting.
select id
from jobs
where indexed_state in ('ready', 'scheduled') and id < @before
order by id desc
limit @limit
