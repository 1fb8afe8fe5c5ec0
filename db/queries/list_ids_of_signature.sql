-- Ids of jobs of a signature. @before bigint (ids below it), @limit int, @signature text, @state text or null. Newest first.
-- Indexes jobs_by_signature (waiting), batches_by_signature (claimed once), jobs_scheduled, jobs_failed, jobs_cancelled (never claimed).
select j.id
from (
  select w.id from lanes l join jobs w on w.lane_id = l.id and w.shelf = 'ready' and w.signature = @signature and w.id < @before
  union
  select u.id from batches b cross join unnest(b.job_ids) u(id) where b.signature = @signature and u.id < @before
  union
  select s.id from jobs s where s.shelf = 'scheduled' and s.signature = @signature and s.id < @before
  union
  select f.id from jobs f where f.shelf = 'failed' and f.signature = @signature and f.id < @before
  union
  select c.id from jobs c where c.shelf = 'cancelled' and c.signature = @signature and c.id < @before) found
join jobs j on j.id = found.id
where @state::text is null or j.state = @state
order by j.id desc
limit @limit
