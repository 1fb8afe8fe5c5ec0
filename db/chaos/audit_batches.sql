-- Every batch has ended, a checkpoint has judged all its images, and it counts the images that it has.
select count(*), array_agg(format('batch %s is %s, %s of %s completions checked, %s images counted and %s there',
    b.id, b.state, b.checked_completions, b.completions, b.images, i.images))
  filter (where b.state = 'open' or b.checked_completions < b.completions or b.images <> i.images)
from batches b
cross join lateral (select count(*) as images from images i where i.batch_id = b.id and i.job_id = any(b.job_ids)) i
