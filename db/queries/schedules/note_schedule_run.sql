-- Notes what a run of a scheduled campaign did. @id int, @result text.
update campaign_schedules set last_run_at = now(), last_result = @result where id = @id
