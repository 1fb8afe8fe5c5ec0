-- What became of a job so far, oldest first. @job_id bigint. Index job_attempts_by_job.
select a.attempt, a.counted, a.code, a.message, w.name as worker, a.batch_id, a.started_at, a.ended_at
from job_attempts a
left join workers w on w.id = a.worker_id
where a.job_id = @job_id
order by a.id
limit 200
