-- Jobs whose recorded image is not there, or was taken back. $1 bigint[]: jobs that had one.
select coalesce(array_agg(u.job_id), '{}')
from unnest($1) u(job_id)
where not exists (select from images i where i.job_id = u.job_id) or exists (select from public.dropped_images d where d.job_id = u.job_id)
