-- Removes a scheduled campaign. @id int. Returns its id.
delete from campaign_schedules where id = @id returning id
