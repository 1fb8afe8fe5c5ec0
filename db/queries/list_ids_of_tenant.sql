-- Ids of jobs of a tenant. @tenant text, @before bigint, @limit int. Newest first. Looks at 20,000 jobs at most, and stops when the page is full. Primary key.
select r.id
from (
  select id, lane_id from jobs where id < @before order by id desc limit 20000) r
where r.lane_id = any(array(select l.id from lanes l join tenants t on t.id = l.tenant_id where t.name_key = lower(@tenant)))
order by r.id desc
limit @limit
