-- What waits, and whether a worker's weights are known to differ, for metrics. No parameters. Index jobs_by_age, once for each dispatch
-- group, and weight_checkpoints_by_worker, once for each worker that runs.
with waiting as (
  select first.run_at, m.paused or t.paused as paused, group_is_open(g, now()) as open
  from dispatch_groups g
  join models m on m.id = g.model_id
  join tenants t on t.id = g.tenant_id
  cross join lateral (
    select j.run_at from jobs j where j.group_id = g.id and j.indexed_state = 'ready' order by j.group_id, j.run_at limit 1) first
  where first.run_at <= now())
select
  coalesce(extract(epoch from now() - min(run_at)), 0)::float8 as oldest_seconds,
  count(*) filter (where open and not paused) > 0 as claimable,
  count(*) > 0 and bool_and(paused) as all_paused,
  count(*) filter (where not paused and not open) > 0 as window_closed,
  exists (
    select from workers w
    cross join lateral (select c.verdict from weight_checkpoints c where c.worker_id = w.id order by c.id desc limit 1) newest
    where w.stopped_at is null and newest.verdict in ('drifted', 'unrecoverable')) as drifted
from waiting
