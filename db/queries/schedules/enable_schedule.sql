-- Switches a scheduled campaign on or off. @id int, @enabled boolean. Returns its id.
update campaign_schedules set enabled = @enabled where id = @id returning id
