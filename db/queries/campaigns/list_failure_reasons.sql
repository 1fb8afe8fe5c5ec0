-- Why jobs of a campaign failed, with an example of each. @campaign_id int, @look int (at so many of its newest failed jobs). Indexes
-- jobs_failed_by_campaign, job_attempts_by_job.
with failed as materialized (
  select j.id from jobs j
  where j.indexed_state = 'failed' and j.campaign_id = @campaign_id and j.campaign_id <> 0
  order by j.campaign_id desc, j.id desc limit @look),
reasons as (
  select a.code as reason, count(*) as jobs, max(f.id) as example_job
  from failed f
  cross join lateral (
    select code from job_attempts where job_id = f.id and code not in ('cancelled', 'requeued') order by id desc limit 1) a
  group by a.code)
select 'failed' as state, r.reason, r.jobs, r.example_job, m.message as example
from reasons r
cross join lateral (
  select message from job_attempts where job_id = r.example_job and code not in ('cancelled', 'requeued') order by id desc limit 1) m
order by r.jobs desc, r.reason
