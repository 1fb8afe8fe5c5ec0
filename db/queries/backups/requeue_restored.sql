-- After a restore nobody works on what was running: ends every open batch, its unfinished jobs requeued, the attempt not counted, and
-- writes every worker down as stopped. @reason text. Returns jobs requeued.
with ended as materialized (
  select end_batch(b.id, b.epoch, interval '0', @reason) as jobs from batches b where b.state = 'open'),
stopped as (
  update workers set stopped_at = clock_timestamp(), stop_reason = @reason where stopped_at is null)
select coalesce(sum(e.jobs), 0)::int from ended e
