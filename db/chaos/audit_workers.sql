-- No worker is set aside, paused, or lacks anything.
select count(*), array_agg(format('worker %s: set aside %s, paused %s, lacks %s', w.name, w.set_aside_reason, w.paused, l.lacks))
  filter (where w.set_aside_at is not null or w.paused or l.lacks is not null)
from workers w
cross join lateral (select string_agg(k.reason, '; ') as lacks from worker_lacks k where k.worker_id = w.id) l
where w.stopped_at is null and w.heartbeat_at > clock_timestamp() - interval '10 seconds'
