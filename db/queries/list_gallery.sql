-- Pictures, newest batch first. @signature text or null, @from timestamptz or null, @to timestamptz or null, @before_batch bigint, @before_job bigint (where the
-- page before ended), @limit int. Indexes: primary keys; batches_by_signature of a signature, batches_by_time of a day. Looks into 200 batches at most, and stops when
-- the page is full.
select b.id as batch_id, u.job_id, b.signature, i.prompt, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
from (
  select id, job_ids, signature, settled_parts, verified_at
  from batches
  where id <= @before_batch
    and (@signature::text is null or signature = @signature)
    and (@from::timestamptz is null or claimed_at >= @from)
    and (@to::timestamptz is null or claimed_at < @to)
  order by id desc
  limit 200) b
cross join lateral unnest(b.job_ids) as u(job_id)
cross join lateral (
  select i.part, i.width, i.height, i.created_at, r.prompt
  from images i
  join job_recipes r on r.job_id = i.job_id
  where i.job_id = u.job_id and i.batch_id = b.id
  limit 1) i
where (b.id, u.job_id) < (@before_batch, @before_job)
order by b.id desc, u.job_id desc
limit @limit
