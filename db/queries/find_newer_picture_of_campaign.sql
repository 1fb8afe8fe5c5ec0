-- The picture before one in list_gallery_of_campaign. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or null, @job_id bigint.
-- Returns job_id, or no row at the newest. Looks at 10,000 jobs at most, and stops at the first picture. Function next_of_campaign.
select r.job_id
from next_of_campaign(@campaign, @job_id, 10000) with ordinality as r(job_id, n)
cross join lateral (
  select
  from images i
  join batches b on b.id = i.batch_id
  where i.job_id = r.job_id
    and (@signature::text is null or b.signature = @signature)
    and (@from::timestamptz is null or b.claimed_at >= @from)
    and (@to::timestamptz is null or b.claimed_at < @to)
  limit 1) i
order by r.n
limit 1
