-- Rights in the schema of anybody but its owner, the roles of the queue and everybody: given by hand, and no role can take them away.
-- Returns described (privilege, object and login), remedy (a statement), login.
with acls as (
  select n.nspacl as acl, 'schema ' || quote_ident(n.nspname) as object, 'schema ' || quote_ident(n.nspname) as named, '' as columns,
    n.nspowner as owner
  from pg_namespace n
  where n.oid = current_schema()::regnamespace
  union all
  select c.relacl, case c.relkind when 'S' then 'sequence ' else '' end || c.relname,
    case c.relkind when 'S' then 'sequence ' else 'table ' end || format('%I.%I', current_schema(), c.relname), '', c.relowner
  from pg_class c
  where c.relnamespace = current_schema()::regnamespace and c.relacl is not null
  union all
  select a.attacl, 'column ' || c.relname || '.' || a.attname, 'table ' || format('%I.%I', current_schema(), c.relname),
    format(' (%I)', a.attname), c.relowner
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = current_schema()::regnamespace and a.attacl is not null
  union all
  select p.proacl, 'function ' || p.proname, 'routine ' || quote_ident(current_schema()) || '.' || p.oid::regprocedure, '', p.proowner
  from pg_proc p
  where p.pronamespace = current_schema()::regnamespace and p.proacl is not null)
select lower(x.privilege_type) || ' on ' || a.object || ' to ' || r.rolname as described,
  format('revoke %s%s on %s from %I', lower(x.privilege_type), a.columns, a.named, r.rolname) as remedy,
  r.rolname::text as login
from acls a
cross join lateral aclexplode(a.acl) x
join pg_roles r on r.oid = x.grantee
where x.grantee <> a.owner and r.rolname <> all(queue_roles())
order by 1
