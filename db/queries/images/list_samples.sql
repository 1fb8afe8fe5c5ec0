-- A finished job of each plain model and of each adapter on its own. @prefixes text[]: 'model|' means exactly that signature,
-- 'model|adapter@' that adapter at any strength. Index batches_by_signature.
select p.prefix, s.job_id
from unnest(@prefixes) as p(prefix)
cross join lateral (
  select i.job_id
  from (
    select id, job_ids from batches
    where signature collate "C" >= p.prefix
      and signature collate "C" < p.prefix || case when right(p.prefix, 1) = '|' then chr(1) else chr(1114111) end
      and position('+' in signature) = 0
    order by signature desc limit 4) b
  cross join lateral unnest(b.job_ids) as u(job_id)
  join images i on i.job_id = u.job_id and i.batch_id = b.id
  limit 1) s
