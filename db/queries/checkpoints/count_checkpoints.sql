-- Checkpoints by outcome. @after bigint (ids above it), @since timestamptz or null. Returns passed, drifted, last_id. Primary key.
select
  count(*) filter (where verdict in ('passed', 'restored')) as passed,
  count(*) filter (where verdict in ('drifted', 'unrecoverable')) as drifted,
  coalesce(max(id), @after) as last_id
from weight_checkpoints
where id > @after and (@since::timestamptz is null or created_at >= @since)
