-- The image before one in list_gallery_of_campaign. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or
-- null, @job_id bigint. Returns job_id, or no row at the newest. Looks 2,000 times at most, and stops at the first image. Function
-- newer_image_of_campaign.
select job_id
from newer_image_of_campaign(@campaign, @signature, @from, @to, @job_id, 2000) as newer(job_id)
where job_id is not null
