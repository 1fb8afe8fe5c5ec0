-- What workers that run lack on their machines. No parameters. A handful of rows.
select l.worker_id, l.kind, l.name, l.reason, l.since, l.looked_at
from worker_lacks l join workers w on w.id = l.worker_id
where w.stopped_at is null
order by l.worker_id, l.kind, l.name
