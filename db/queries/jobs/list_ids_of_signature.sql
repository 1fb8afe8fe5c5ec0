-- Ids of jobs of a signature that is rare among the newest jobs. @before bigint (ids below it), @limit int, @signature text, @state text or
-- null, @campaign text or null. Newest first. Indexes jobs_by_signature (waiting), batches_by_signature (claimed once), jobs_scheduled,
-- jobs_failed, jobs_cancelled (never claimed). Every part has a bound, and those that cannot hold the state are not run: the newest 2,000
-- batches of the signature, 5,000 jobs of each of the other kinds.
select f.id
from (
  select u.id
  from (
    (select w.id
    from dispatch_groups g
    cross join lateral (
      select id from jobs where indexed_state = 'ready' and group_id = g.id and signature = @signature and id < @before
      order by group_id desc, signature desc, id desc limit 5000) w
    where @state::text is null or @state = 'queued')
    union
    (select x.id
    from (select job_ids from batches where signature = @signature order by id desc limit 2000) b
    cross join unnest(b.job_ids) x(id)
    where x.id < @before and (@state::text is null or @state in ('running', 'succeeded')))
    union
    (select s.id from (select id, signature from jobs where indexed_state = 'scheduled' order by run_at limit 5000) s
    where s.signature = @signature and s.id < @before and (@state::text is null or @state = 'queued'))
    union
    (select s.id from (select id, signature from jobs where indexed_state = 'failed' and id < @before order by id desc limit 5000) s
    where s.signature = @signature and (@state::text is null or @state = 'failed'))
    union
    (select s.id from (select id, signature from jobs where indexed_state = 'cancelled' and id < @before order by id desc limit 5000) s
    where s.signature = @signature and (@state::text is null or @state = 'cancelled'))) u
  order by u.id desc) f
cross join lateral (
  select from jobs j
  where j.id = f.id
    and (@state::text is null or j.state = @state)
    and (@campaign::text is null or j.campaign_id = any(array(select c.id from campaigns c where c.name = @campaign)))
  limit 1) j
order by f.id desc
limit @limit
