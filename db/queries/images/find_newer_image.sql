-- The image before one in list_gallery. @signature text or null, @from timestamptz or null, @to timestamptz or null, @batch_id bigint,
-- @job_id bigint. Returns job_id, or no row at the newest. Indexes as list_gallery. Looks into 200 batches at most, and stops at the first
-- image.
select u.job_id
from (
  select id, job_ids
  from batches
  where id >= @batch_id
    and completions > 0
    and (@signature::text is null or signature = @signature)
    and (@from::timestamptz is null or claimed_at >= @from)
    and (@to::timestamptz is null or claimed_at < @to)
  order by id
  limit 200) n
cross join lateral unnest(n.job_ids) as u(job_id)
cross join lateral (
  select from images i where i.job_id = u.job_id and i.batch_id = n.id limit 1) i
where (n.id, u.job_id) > (@batch_id, @job_id)
order by n.id, u.job_id
limit 1
