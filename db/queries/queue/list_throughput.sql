-- Images by five minutes. @since timestamptz. Index batches_by_time.
select date_bin('5 minutes', coalesce(ended_at, now()), timestamptz '2000-01-01') as at, sum(finished)::bigint as images,
  count(*) filter (where fused) as fusions
from batches
where claimed_at >= @since
group by 1
order by 1
