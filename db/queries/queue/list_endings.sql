-- Jobs that ended without an image since an instant and still stand so, by state and reason, with an example. @since timestamptz. Function
-- ended_without_image.
with reasons as (
  select e.state, e.code as reason, count(*) as jobs, max(e.job_id) as example_job
  from ended_without_image(@since) e
  group by e.state, e.code)
select r.state, r.reason, r.jobs, r.example_job, m.message as example
from reasons r
cross join lateral (select a.message from job_attempts a where a.job_id = r.example_job order by a.id desc limit 1) m
order by r.jobs desc, r.reason
