-- Keys. No parameters.
select k.name, k.role, t.name as tenant, k.created_at, k.revoked_at
from api_keys k
left join tenants t on t.id = k.tenant_id
order by k.name
