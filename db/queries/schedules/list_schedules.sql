-- Scheduled campaigns. No parameters.
select id, name, cron, time_zone, job_count, enabled, last_run_at, last_result from campaign_schedules order by name
