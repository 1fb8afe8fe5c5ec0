-- Adds or changes a scheduled campaign. @name text, @cron text, @time_zone text, @jobs text (CSV or JSON), @job_count int. Returns its id.
insert into campaign_schedules (name, cron, time_zone, jobs, job_count) values (@name, @cron, @time_zone, @jobs, @job_count)
on conflict (name) do update
set cron = excluded.cron, time_zone = excluded.time_zone, jobs = excluded.jobs, job_count = excluded.job_count,
  enabled = true
returning id
