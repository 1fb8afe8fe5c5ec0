-- Ids of waiting jobs of a tenant and a signature at a priority. @tenant text, @signature text, @priority int, @limit int. Index
-- jobs_by_signature.
select j.id
from dispatch_groups g
join tenants t on t.id = g.tenant_id and t.name_key = lower(@tenant)
join jobs j on j.group_id = g.id and j.indexed_state = 'ready' and j.signature = @signature
where g.priority = @priority
order by j.id
limit @limit
