-- Why the queue stands still although jobs could run. @standstill_after interval: how long nothing may finish; @answer_limit interval: how
-- long a worker lives without a heartbeat. Returns a row for each reason, none while all is well: kind (no_workers, nothing_finished,
-- worker_set_aside), since, subject (name of a worker), detail, for_seconds (how long it holds). Indexes jobs_by_age once for each dispatch
-- group, jobs_scheduled, job_attempts_by_end, and the primary key of images.
with living as (
  select w.name, w.paused or w.draining as held, w.set_aside_at, w.set_aside_reason
  from workers w
  where w.stopped_at is null and w.heartbeat_at > now() - @answer_limit),
-- The oldest job of each dispatch group that may run now. A start time that passed counts also while no worker is there to notice.
due as (
  select s.group_id, s.run_at
  from jobs s
  where s.indexed_state = 'scheduled' and s.run_at <= now()
  order by s.run_at limit 1000),
oldest as (
  select g.id as group_id, first.run_at
  from dispatch_groups g
  cross join lateral (
    select j.run_at from jobs j where j.group_id = g.id and j.indexed_state = 'ready' order by j.group_id, j.run_at limit 1) first
  union all
  select d.group_id, d.run_at from due d),
runnable as (
  select greatest(o.run_at, m.resumed_at, t.resumed_at) as since,
    -- Looked at five times within the span: a dispatch window that opened meanwhile explains that nothing has finished yet.
    (select bool_and(group_is_open(g, now() - @standstill_after * part / 4)) from generate_series(0, 4) part) as open_long_enough
  from oldest o
  join dispatch_groups g on g.id = o.group_id
  join models m on m.id = g.model_id and not m.paused
  join tenants t on t.id = g.tenant_id and not t.paused
  where o.run_at <= now() and group_is_open(g, now())),
-- When the last image was recorded or job failed, as far as the newest batches and attempts tell. Deadlines pass without anybody's work.
finished as (
  select greatest(
    (
      select max(i.created_at)
      from (select b.id, b.job_ids from batches b order by b.id desc limit 50) newest
      cross join lateral unnest(newest.job_ids) u(job_id)
      cross join lateral (select i.created_at from images i where i.job_id = u.job_id and i.batch_id = newest.id limit 1) i),
    (
      select max(a.ended_at)
      from (
        select a.job_id, a.ended_at, a.code from job_attempts a where a.ended_at > now() - @standstill_after
        order by a.ended_at desc limit 200) a
      cross join lateral (select j.state from jobs j where j.id = a.job_id limit 1) j
      where j.state = 'failed' and a.code <> 'deadline_passed')) as at),
-- Since when workers have been there to finish anything. One that ended lately counts, so that starting again and again hides nothing.
staffed as (
  select min(w.started_at) as since from workers w where w.heartbeat_at > now() - greatest(@standstill_after, @answer_limit))
select s.*, extract(epoch from now() - s.since)::float8 as for_seconds
from (
  select 'no_workers' as kind, least(greatest(min(r.since), gone.at), now()) as since, null::text as subject, null::text as detail
  from runnable r
  cross join (select max(coalesce(w.stopped_at, w.heartbeat_at)) as at from workers w) gone
  where not exists (select from living)
  group by gone.at
  -- One that starts again is back within a minute.
  having least(greatest(min(r.since), gone.at), now()) <= now() - @answer_limit
  union all
  select 'nothing_finished', greatest(min(r.since), f.at, k.since), null,
    case when (select bool_and(l.held) from living l) then 'Every worker is paused or draining.' end
  from runnable r
  cross join finished f
  cross join staffed k
  where r.open_long_enough and exists (select from living)
  group by f.at, k.since
  having greatest(min(r.since), f.at, k.since) <= now() - @standstill_after
  union all
  -- A worker that set itself aside claims nothing until it is resumed, but for one job after a while.
  select 'worker_set_aside', l.set_aside_at, l.name, l.set_aside_reason
  from living l
  where l.set_aside_at is not null) s
order by s.kind, s.subject
