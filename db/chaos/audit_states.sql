-- Every job has ended, and ended well or by a cancel.
select count(*), array_agg(format('job %s is %s: %s', j.id, j.state, (select a.code || ', ' || a.message from job_attempts a where a.job_id = j.id order by a.id desc limit 1)))
  filter (where j.state not in ('succeeded', 'cancelled'))
from jobs j
