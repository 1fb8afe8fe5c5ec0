-- A scheduled campaign with its jobs. @id int. Primary key.
select id, name, cron, time_zone, jobs, job_count, enabled from campaign_schedules where id = @id
