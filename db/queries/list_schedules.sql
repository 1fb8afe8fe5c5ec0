-- Scheduled campaigns. No parameters.
select id, name, cron, time_zone, jsonb_array_length(jobs) as job_count, enabled, last_run_at, last_result from campaign_schedules order by name
