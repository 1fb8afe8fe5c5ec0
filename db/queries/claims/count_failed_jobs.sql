-- How many jobs failed for good in a batch. @batch_id bigint, @job_ids bigint[]. Returns one row: count int. Primary key of jobs.
select count(*)::int
from jobs j
where j.id = any(@job_ids) and j.state = 'failed' and j.batch_id = @batch_id
