-- Live workers and those stopped within a day. Index batches_by_worker.
select w.id as worker_id, w.name, w.device, w.device_description, w.compute_type, w.started_at, w.heartbeat_at, w.stopped_at, w.stop_reason,
  w.adapter_cache_hits, w.adapter_cache_misses, w.adapter_cache_bytes, w.set_aside_at, w.set_aside_reason,
  b.signature, case when b.state = 'open' then b.id end as batch_id,
  case when b.state = 'open' then cardinality(b.job_ids) else 0 end as batch_jobs,
  case when b.state = 'open' then b.finished else 0 end as batch_finished,
  case when b.state = 'open' then b.step else 0 end as step,
  case when b.state = 'open' then b.steps else 0 end as steps
from workers w
left join lateral (
  select id, state, signature, job_ids, finished, step, steps
  from (
    -- A range instead of an equality: then only that index gives the order, and a worker without batches costs nothing.
    select id, state, signature, job_ids, finished, step, steps
    from batches
    where worker_id >= w.id and worker_id <= w.id
    order by worker_id desc, id desc
    limit 8) newest
  -- The batch it draws; the one it may have claimed ahead is newer.
  order by (state = 'open') desc, case when state = 'open' then id end, id desc
  limit 1) b on true
where w.stopped_at is null or w.stopped_at > now() - interval '1 day'
order by w.name, w.started_at
