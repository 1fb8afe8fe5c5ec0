-- How many workers send heartbeats. @answer_limit interval: how long a worker lives without one. A handful of rows.
select count(*)::int from workers where stopped_at is null and heartbeat_at > now() - @answer_limit
