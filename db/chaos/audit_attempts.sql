-- No attempt was counted, since no job of the run is at fault; and the attempts of a job are those that were counted.
select count(*), array_agg(distinct format('job %s, %s attempts: %s', j.id, j.attempts, c.why))
  filter (where c.why is not null or (j.state = 'succeeded' and j.attempts <> 1))
from jobs j
left join lateral (
  select string_agg(format('attempt %s counted as %s: %s', a.attempt, a.code, a.message), '; ' order by a.id) as why
  from job_attempts a where a.job_id = j.id and a.counted and a.code <> 'cancelled') c on true
