-- Ids of jobs of a signature among the newest 1,000 jobs. @before bigint (ids below it), @limit int, @signature text, @state text or null.
-- Newest first. Primary key.
select r.id
from (
  select id, signature, state from jobs where id < @before order by id desc limit 1000) r
where r.signature = @signature and (@state::text is null or r.state = @state)
order by r.id desc
limit @limit
