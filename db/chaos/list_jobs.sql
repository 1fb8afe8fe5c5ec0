-- What the queue says of each job: key, state, image, and the digests of what it may have been drawn from.
select j.id, k.key, j.state, i.path, i.size_bytes, encode(i.sha256, 'hex') as sha256, i.width, i.height, i.recipe::text as recipe,
  j.signature
from batchgen.jobs j
left join batchgen.idempotency_keys k on k.job_id = j.id
left join batchgen.images i on i.job_id = j.id
order by j.id
