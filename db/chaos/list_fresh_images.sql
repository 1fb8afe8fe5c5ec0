-- Jobs whose images an open batch has recorded, once there are some while others of the batch are still drawn.
select array_agg(i.job_id order by i.job_id)
from images i join batches b on b.id = i.batch_id
where b.state = 'open' and b.unended > 0
having count(*) > 0
