-- Ids of jobs of a campaign. @before bigint (ids below it), @limit int, @campaign text, @state text or null, @signature text or null. Newest first. Index job_recipes_by_campaign.
select j.id
from job_recipes r
join jobs j on j.id = r.job_id
where r.campaign_id = any(array(select c.id from campaigns c where c.name = @campaign)) and r.campaign_id <> 0 and r.job_id < @before
  and (@state::text is null or j.state = @state)
  and (@signature::text is null or j.signature = @signature)
order by r.job_id desc
limit @limit
