-- Every verified image rests on a checkpoint of its own worker that passed.
select count(*), array_agg(format('job %s, batch %s, checkpoint %s %s', i.job_id, i.batch_id, c.id, c.verdict))
  filter (where c.id is null or c.verdict <> 'passed' or c.worker_id <> i.worker_id)
from saved_images i
left join weight_checkpoints c on c.id = i.checkpoint_id
where i.verified_at is not null
