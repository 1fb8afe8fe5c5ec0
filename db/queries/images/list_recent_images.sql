-- The newest images, newest batch first. @limit int. Reads the newest batches and their images by primary key, 24 batches at most, and
-- stops when it has enough.
select b.id as batch_id, u.job_id, b.signature, i.prompt, i.width, i.height, i.created_at,
  i.completion <= b.checked_completions and b.verified_at is not null as verified
from (
  select id, job_ids, signature, checked_completions, verified_at from batches order by id desc limit 24) b
cross join lateral unnest(b.job_ids) as u(job_id)
cross join lateral (
  select i.completion, i.width, i.height, i.created_at, r.recipe ->> 'prompt' as prompt
  from images i
  join job_recipes r on r.job_id = i.job_id
  where i.job_id = u.job_id and i.batch_id = b.id
  limit 1) i
order by b.id desc, u.job_id desc
limit @limit
