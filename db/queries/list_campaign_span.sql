-- When a campaign's pictures were drawn. @campaign text, @look int (at so many of its newest jobs). Function newest_of_campaign.
select count(*) as images, min(i.created_at) as first_at, max(i.created_at) as last_at, count(distinct i.batch_id) as batches,
  count(distinct i.signature) as signatures, sum(i.size_bytes)::bigint as size_bytes
from newest_of_campaign(@campaign, 9223372036854775807, @look) r
cross join lateral (
  select i.created_at, i.batch_id, i.size_bytes, b.signature
  from images i
  join batches b on b.id = i.batch_id
  where i.job_id = r.job_id
  limit 1) i
