-- Ids of jobs of a tenant. @tenant text, @before bigint, @limit int. Newest first. Looks at 20,000 jobs at most. Primary key.
with recent as materialized (
  select j.id, j.lane_id from jobs j where j.id < @before order by j.id desc limit 20000)
select r.id
from recent r
join lanes l on l.id = r.lane_id
join tenants t on t.id = l.tenant_id
where t.name_key = lower(@tenant)
order by r.id desc
limit @limit
