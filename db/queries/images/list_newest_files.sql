-- Files of the newest images, newest batch first. @limit int. Returns path, size_bytes. Reads the newest batches and their images by
-- primary key, 24 batches at most, and stops when it has enough.
select i.path, i.size_bytes
from (select id, job_ids from batches order by id desc limit 24) b
cross join lateral unnest(b.job_ids) as u(job_id)
cross join lateral (
  select i.path, i.size_bytes from images i where i.job_id = u.job_id and i.batch_id = b.id limit 1) i
order by b.id desc, u.job_id desc
limit @limit
