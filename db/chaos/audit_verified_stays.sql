-- No verified image was taken back.
select count(*), array_agg(format('the verified image of job %s, batch %s, was taken back at %s', d.job_id, d.batch_id, d.at))
  filter (where d.was_verified)
from public.dropped_images d
