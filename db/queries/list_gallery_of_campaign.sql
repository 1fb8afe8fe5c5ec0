-- Pictures of a campaign, newest job first. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or null, @before_job bigint, @limit int.
-- Looks at 10,000 jobs at most, and stops when the page is full. Function newest_of_campaign.
select i.batch_id, r.job_id, i.signature, r.prompt, i.width, i.height, i.created_at, i.verified
from newest_of_campaign(@campaign, @before_job, 10000) with ordinality as r(job_id, prompt, tags, n)
cross join lateral (
  select i.batch_id, b.signature, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
  from images i
  join batches b on b.id = i.batch_id
  where i.job_id = r.job_id
    and (@signature::text is null or b.signature = @signature)
    and (@from::timestamptz is null or b.claimed_at >= @from)
    and (@to::timestamptz is null or b.claimed_at < @to)
  limit 1) i
order by r.n
limit @limit
