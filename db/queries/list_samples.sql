-- A finished job of each adapter on its own. @prefixes text[]: signatures that start so. Index batches_by_signature.
select p.prefix, s.job_id
from unnest(@prefixes) as p(prefix)
cross join lateral (
  select i.job_id
  from (select id, job_ids from batches where signature collate "C" >= p.prefix and signature collate "C" < p.prefix || chr(1114111) order by signature desc limit 4) b
  cross join lateral unnest(b.job_ids) as u(job_id)
  join images i on i.job_id = u.job_id and i.batch_id = b.id
  limit 1) s
