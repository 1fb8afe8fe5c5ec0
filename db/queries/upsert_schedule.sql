-- Adds or changes a scheduled campaign. @name text, @cron text, @time_zone text, @jobs jsonb. Returns its id.
insert into campaign_schedules (name, cron, time_zone, jobs) values (@name, @cron, @time_zone, @jobs::jsonb)
on conflict (name) do update set cron = excluded.cron, time_zone = excluded.time_zone, jobs = excluded.jobs, enabled = true
returning id
