create or replace view job_history as
select a.job_id, a.attempt, a.counted, a.code as outcome, a.message, w.name as worker, a.batch_id, a.started_at, a.ended_at
from job_attempts a
left join workers w on w.id = a.worker_id
union all
select i.job_id, j.attempts, true, 'succeeded', i.path, w.name, i.batch_id, i.claimed_at, i.created_at
from saved_images i
join jobs j on j.id = i.job_id
left join workers w on w.id = i.worker_id;
comment on view job_history is
  'Every ended attempt of each job. The outcome is succeeded or a failure code; for a success the message is the path of the image.';
