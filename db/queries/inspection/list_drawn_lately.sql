-- With which signatures images were drawn within a day, and by whom last. Returns signature, worker; at most 5,000. Index batches_by_time.
select distinct on (b.signature) b.signature, w.name as worker
from batches b
join workers w on w.id = b.worker_id
where b.claimed_at > now() - interval '1 day' and b.images > 0
order by b.signature, b.claimed_at desc
limit 5000
