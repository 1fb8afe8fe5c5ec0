-- Ids of running jobs. @before bigint (ids below it), @limit int. Newest first. Index batches_open.
select j.id
from batches b
cross join unnest(b.job_ids) u(id)
join jobs j on j.id = u.id
where b.state = 'open' and j.state = 'running' and j.batch_id = b.id and j.id < @before
order by j.id desc
limit @limit
