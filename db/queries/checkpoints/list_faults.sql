-- Checkpoints that did not pass at once, newest first. @limit int. Index weight_checkpoints_with_faults.
select c.id as checkpoint_id, w.name as worker, c.batch_id, c.model, c.verdict, c.expected_digest, c.actual_digest, c.drifted_tensors,
  c.jobs_requeued, c.reloaded_tensors, c.created_at
from weight_checkpoints c
join workers w on w.id = c.worker_id
where c.verdict <> 'passed'
order by c.id desc
limit @limit
