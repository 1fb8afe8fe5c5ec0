-- Images, newest batch first. @signature text or null, @from timestamptz or null, @to timestamptz or null, @before_batch bigint,
-- @before_job bigint (the place where the page before ended), @limit int. Indexes: primary keys; batches_by_signature of a signature,
-- batches_by_time of a day. Looks into 200 batches at most, and stops when the page is full. When it was not filled and there may be more,
-- the last row is no image (is_place): from there the next page goes on.
with looked as (
  select id, job_ids, signature, checked_completions, verified_at
  from batches
  where id <= @before_batch
    and completions > 0 -- Those that recorded no image do not count as looked at.
    and (@signature::text is null or signature = @signature)
    and (@from::timestamptz is null or claimed_at >= @from)
    and (@to::timestamptz is null or claimed_at < @to)
  order by id desc
  limit 200),
page as (
  select b.id as batch_id, u.job_id, b.signature, i.prompt, i.width, i.height, i.created_at,
    i.completion <= b.checked_completions and b.verified_at is not null as verified
  from looked b
  cross join lateral unnest(b.job_ids) as u(job_id)
  cross join lateral (
    select i.completion, i.width, i.height, i.created_at, r.recipe ->> 'prompt' as prompt
    from images i
    join job_recipes r on r.job_id = i.job_id
    where i.job_id = u.job_id and i.batch_id = b.id
    limit 1) i
  where (b.id, u.job_id) < (@before_batch, @before_job)
  order by b.id desc, u.job_id desc
  limit @limit)
select false as is_place, batch_id, job_id, signature, prompt, width, height, created_at, verified
from page
union all
select true, min(id), 0, null, null, null, null, null, null
from looked
having count(*) = 200 and (select count(*) from page) < @limit
order by is_place, batch_id desc, job_id desc
