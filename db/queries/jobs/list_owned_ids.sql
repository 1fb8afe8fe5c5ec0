-- Which of these jobs belong to a tenant. @job_ids bigint[], @tenant text. Primary keys.
select j.id
from jobs j
join dispatch_groups g on g.id = j.group_id
join tenants t on t.id = g.tenant_id
where j.id = any(@job_ids) and t.name_key = lower(@tenant)
