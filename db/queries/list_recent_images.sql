-- The newest pictures. @limit int. Reads the newest batches and their images by primary key.
with recent as materialized (
  select id, job_ids, signature, settled_parts, verified_at from batches order by id desc limit 24)
select i.job_id, b.signature, r.prompt, i.width, i.height, i.created_at, i.part <= b.settled_parts and b.verified_at is not null as verified
from recent b
cross join lateral unnest(b.job_ids) as u(job_id)
join images i on i.job_id = u.job_id and i.batch_id = b.id
join job_recipes r on r.job_id = i.job_id
order by i.created_at desc, i.job_id desc
limit @limit
