-- What people ordered of workers that run. No parameters. A handful of rows.
select id as worker_id, paused, draining from workers where stopped_at is null
