-- Ids of jobs of a campaign in a state that few of its newest jobs are in. @before bigint (ids below it), @limit int, @campaign text,
-- @state text. Newest first. Looks at the 20,000 newest jobs in that state, 10,000 where they have images. Indexes jobs_waiting,
-- jobs_failed, jobs_cancelled, batches_open, primary keys; only the part of the state is run.
select f.id
from (
  (select id, campaign_id from jobs
  where @state = 'queued' and indexed_state in ('ready', 'scheduled') and id < @before
  order by id desc limit 20000)
  union all
  (select id, campaign_id from jobs
  where @state = 'failed' and indexed_state = 'failed' and id < @before
  order by id desc limit 20000)
  union all
  (select id, campaign_id from jobs
  where @state = 'cancelled' and indexed_state = 'cancelled' and id < @before
  order by id desc limit 20000)
  union all
  (select j.id, j.campaign_id
  from batches b
  cross join unnest(b.job_ids) u(id)
  cross join lateral (select j.id, j.campaign_id from jobs j where j.id = u.id and j.state = 'running' and j.batch_id = b.id limit 1) j
  where @state = 'running' and b.state = 'open' and j.id < @before)
  union all
  (select i.job_id, r.campaign_id
  from (select job_id from images where @state = 'succeeded' and job_id < @before order by job_id desc limit 10000) i
  cross join lateral (select campaign_id from job_recipes where job_id = i.job_id limit 1) r)) f
where f.campaign_id = any(array(select c.id from campaigns c where c.name = @campaign))
order by f.id desc
limit @limit
