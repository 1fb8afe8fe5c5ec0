-- Logins that act for one tenant, which only the owner may read. Returns name, quoted_name, tenant, is_there, may_submit (whether it is a
-- member of batchgen_submitter).
select b.role_name::text as name, quote_ident(b.role_name) as quoted_name, t.name as tenant, r.oid is not null as is_there,
  exists (
    select from pg_roles s where s.rolname = 'batchgen_submitter' and pg_has_role(r.oid, s.oid, 'member')) as may_submit
from tenant_roles b
join tenants t on t.id = b.tenant_id
left join pg_roles r on r.rolname = b.role_name
order by b.role_name
