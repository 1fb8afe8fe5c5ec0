-- Notes that a campaign was reported, so that it is reported once. @campaign_id int.
update campaigns set reported_at = now() where id = @campaign_id and reported_at is null
