-- Rights in the schema of the roles of the queue, and of everybody. Returns one text each: privilege, object and role; one more where
-- the role may give the right to others.
with acls as (
  select n.nspacl as acl, 'schema ' || n.nspname as object from pg_namespace n where n.oid = current_schema()::regnamespace
  union all
  select c.relacl, case c.relkind when 'S' then 'sequence ' else '' end || c.relname
  from pg_class c
  where c.relnamespace = current_schema()::regnamespace
  union all
  select a.attacl, 'column ' || c.relname || '.' || a.attname
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = current_schema()::regnamespace and a.attacl is not null
  union all
  -- Without any grant or revoke a function has none written down, and everybody may call it.
  select coalesce(p.proacl, acldefault('f', p.proowner)), 'function ' || p.proname
  from pg_proc p
  where p.pronamespace = current_schema()::regnamespace)
select distinct m.may || lower(x.privilege_type) || ' on ' || a.object || ' to ' || coalesce(r.rolname, 'everybody')
from acls a
cross join lateral aclexplode(a.acl) x
join (values ('', false), ('grant option for ', true)) m(may, needs_option) on x.is_grantable or not m.needs_option
left join pg_roles r on r.oid = x.grantee
where x.grantee = 0 or r.rolname = any(queue_roles())
