-- The key with a hash, unless revoked. @hash bytea. Index api_keys_hash_unique.
select k.name, k.role, t.name as tenant
from api_keys k
left join tenants t on t.id = k.tenant_id
where k.hash = @hash and k.revoked_at is null
