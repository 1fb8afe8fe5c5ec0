-- Checkpoints between two instants that did not pass at once, newest first. @since timestamptz, @until timestamptz or null, @campaign_id
-- int or null (then only those after batches of it), @limit int. Index weight_checkpoints_with_faults.
select w.id as checkpoint_id, k.name as worker, w.batch_id, w.model, w.verdict, w.expected_digest, w.actual_digest, w.drifted_tensors,
  w.jobs_requeued, w.reloaded_tensors, w.created_at
from weight_checkpoints w
join workers k on k.id = w.worker_id
where w.verdict <> 'passed' and w.created_at >= @since and w.created_at <= coalesce(@until::timestamptz, 'infinity')
  and (@campaign_id::int is null or exists (select from campaign_batches c where c.campaign_id = @campaign_id and c.batch_id = w.batch_id))
order by w.id desc
limit @limit
