-- Counts of jobs by dispatch group, campaign and state are those of the jobs.
with counted as (
  select group_id, campaign_id, state, sum(count) as jobs
  from (
    select group_id, campaign_id, state, count from job_counts
    union all
    select group_id, campaign_id, state, change from job_count_changes) c
  where state not in ('fusions', 'verified')
  group by group_id, campaign_id, state having sum(count) <> 0),
there as (
  select group_id, campaign_id, state, count(*) as jobs from jobs group by group_id, campaign_id, state)
select count(*), array_agg(format('dispatch group %s, campaign %s, %s: counted %s, there are %s',
    group_id, campaign_id, state, c.jobs, t.jobs))
  filter (where c.jobs is distinct from t.jobs)
from counted c
full join there t using (group_id, campaign_id, state)
