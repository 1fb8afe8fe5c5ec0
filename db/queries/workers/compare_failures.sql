-- How many attempts failed for no reason of the job's own, and how many images were drawn, lately: by a worker, and by all others.
-- @worker_id uuid, @since timestamptz. Returns one row: failed, drawn, others_failed, others_drawn. Indexes job_attempts_by_end,
-- batches_by_time.
select f.own as failed, d.own as drawn, f.others as others_failed, d.others as others_drawn
from (
  select count(*) filter (where a.worker_id = @worker_id) as own, count(*) filter (where a.worker_id <> @worker_id) as others
  from job_attempts a
  where a.ended_at > @since and a.counted and a.code = 'generation') f
cross join (
  select coalesce(sum(b.images) filter (where b.worker_id = @worker_id), 0)::bigint as own,
    coalesce(sum(b.images) filter (where b.worker_id <> @worker_id), 0)::bigint as others
  from batches b
  where b.claimed_at > @since) d
