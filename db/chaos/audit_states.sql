-- Every job has ended, and ended well or by a cancel.
select count(*), array_agg(format('job %s is %s: %s', j.id, j.state, a.why)) filter (where j.state not in ('succeeded', 'cancelled'))
from jobs j
left join lateral (
  select format('%s, %s', a.code, a.message) as why from job_attempts a where a.job_id = j.id order by a.id desc limit 1) a on true
