-- Ids of waiting jobs of a tenant and a signature at a priority. @tenant text, @signature text, @priority int, @limit int. Index jobs_by_signature.
select j.id
from lanes l
join tenants t on t.id = l.tenant_id and t.name_key = lower(@tenant)
join jobs j on j.lane_id = l.id and j.shelf = 'ready' and j.signature = @signature
where l.priority = @priority
order by j.id
limit @limit
