-- Pictures, newest batch first. @signature text or null, @from timestamptz or null, @to timestamptz or null, @before_batch bigint, @before_job bigint (where the
-- page before ended), @limit int. Indexes: primary keys; batches_by_signature of a signature, batches_by_time of a day. Looks into 200 batches at most.
with recent as materialized (
  select id, job_ids, signature, settled_parts, verified_at
  from batches
  where id <= @before_batch
    and (@signature::text is null or signature = @signature)
    and (@from::timestamptz is null or claimed_at >= @from)
    and (@to::timestamptz is null or claimed_at < @to)
  order by id desc
  limit 200)
select i.batch_id, i.job_id, b.signature, r.prompt, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
from recent b
cross join lateral unnest(b.job_ids) as u(job_id)
join images i on i.job_id = u.job_id and i.batch_id = b.id
join job_recipes r on r.job_id = i.job_id
where (i.batch_id, i.job_id) < (@before_batch, @before_job)
order by i.batch_id desc, i.job_id desc
limit @limit
