-- Checkpoints by outcome. Returns passed, drifted.
select
  count(*) filter (where verdict in ('passed', 'restored')) as passed,
  count(*) filter (where verdict in ('drifted', 'unrecoverable')) as drifted
from weight_checkpoints
