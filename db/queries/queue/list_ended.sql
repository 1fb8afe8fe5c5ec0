-- Whose jobs these are. @job_ids bigint[] (at most 300, as a notification names). Returns job_id, tenant, campaign. Primary keys.
select j.id as job_id, t.name as tenant, c.name as campaign
from jobs j
join dispatch_groups g on g.id = j.group_id
join tenants t on t.id = g.tenant_id
left join campaigns c on c.id = j.campaign_id
where j.id = any(@job_ids)
order by j.id
