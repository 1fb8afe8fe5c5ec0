-- Every succeeded job has one image, no other job has one, and each is verified.
select count(*), array_agg(format('job %s is %s, with image %s, verified %s', j.id, j.state, i.path, i.verified_at))
  filter (where (j.state = 'succeeded') <> (i.job_id is not null) or (i.job_id is not null and i.verified_at is null))
from jobs j
left join saved_images i on i.job_id = j.id
