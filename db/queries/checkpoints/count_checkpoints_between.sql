-- Checkpoints by outcome between two instants. @since timestamptz, @until timestamptz or null, @campaign_id int or null (then only those
-- after batches of it). Returns passed, drifted. Index weight_checkpoints_by_time.
select
  count(*) filter (where w.verdict in ('passed', 'restored')) as passed,
  count(*) filter (where w.verdict in ('drifted', 'unrecoverable')) as drifted
from weight_checkpoints w
where w.created_at >= @since and w.created_at <= coalesce(@until::timestamptz, 'infinity')
  and (@campaign_id::int is null or exists (select from campaign_batches c where c.campaign_id = @campaign_id and c.batch_id = w.batch_id))
