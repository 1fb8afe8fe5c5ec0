-- An image that was drawn again has the same bytes, unless a bit had been flipped in the memory of the worker that drew it first.
select count(*), array_agg(format('job %s: %s, then %s', d.job_id, encode(d.sha256, 'hex'), encode(i.sha256, 'hex')))
  filter (where d.sha256 <> i.sha256)
from public.dropped_images d
join images i on i.job_id = d.job_id
where not d.had_wrong_bits
