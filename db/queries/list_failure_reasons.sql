-- Why failed jobs failed, with an example of each. @campaign text or null. Looks at the newest 5,000 failed jobs. Indexes jobs_failed, job_attempts_by_job.
with failed as materialized (
  select j.id, j.campaign_id from jobs j where j.shelf = 'failed' order by j.id desc limit 5000)
select a.outcome as reason, count(*) as jobs, max(f.id) as example_job, (array_agg(a.message order by f.id desc))[1] as example
from failed f
cross join lateral (select outcome, message from job_attempts where job_id = f.id and outcome not in ('cancelled', 'given_back') order by id desc limit 1) a
where @campaign::text is null or f.campaign_id = any(array(select c.id from campaigns c where c.name = @campaign))
group by a.outcome
order by count(*) desc, a.outcome
