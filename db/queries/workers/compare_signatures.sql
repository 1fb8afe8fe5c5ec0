-- How other living workers fared with some signatures lately: attempts that failed for no reason of the job's own, also those that count no
-- longer, and images drawn, both of batches claimed since. @worker_id uuid (left out), @signatures text[], @span interval (how far back).
-- Returns one row: failed, drawn. Indexes batches_by_time, batches_by_worker, job_attempts_by_end.
with others as (
  select b.id, b.images
  from batches b
  join workers w on w.id = b.worker_id
  where b.claimed_at > now() - @span and b.worker_id <> @worker_id and b.signature = any(@signatures) and w.stopped_at is null
    -- A worker writes its own row between two batches only; while it renders, its lease shows that it lives.
    and (w.heartbeat_at > now() - interval '10 minutes'
      or exists (select from batches o where o.worker_id = w.id and o.state = 'open' and o.lease_expires_at > now())))
select
  (
    select count(*) from job_attempts a
    where a.ended_at > now() - @span and a.code = 'generation' and a.batch_id in (select o.id from others o)) as failed,
  (select coalesce(sum(o.images), 0)::bigint from others o) as drawn
