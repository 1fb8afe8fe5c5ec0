-- Roles that a queue needs on another server: those of the queue, their members, logins that act for a tenant, and whoever has rights in
-- the schemas; no superusers, and not the login that asks. @roles text[] (the queue's), @schemas text[]. Returns name, can_login,
-- member_of, settings (each as name=value).
with wanted as (
  select r.oid from pg_roles r where r.rolname = any(@roles)
  union
  select m.member from pg_auth_members m join pg_roles r on r.oid = m.roleid where r.rolname = any(@roles)
  union
  select r.oid from tenant_roles b join pg_roles r on r.rolname = b.role_name
  union
  select x.grantee
  from (
    select n.oid, n.nspacl as acl from pg_namespace n
    union all
    select c.relnamespace, c.relacl from pg_class c
    union all
    select c.relnamespace, a.attacl from pg_class c join pg_attribute a on a.attrelid = c.oid
    union all
    select p.pronamespace, p.proacl from pg_proc p) acls(schema_id, acl)
  cross join lateral aclexplode(acls.acl) x
  where acls.schema_id in (select n.oid from pg_namespace n where n.nspname = any(@schemas)))
select r.rolname::text as name, r.rolcanlogin as can_login,
  array(
    select g.rolname::text
    from pg_auth_members m
    join pg_roles g on g.oid = m.roleid
    where m.member = r.oid and m.roleid in (select w.oid from wanted w)
    order by g.rolname) as member_of,
  array(
    select given.text
    from pg_db_role_setting s
    join pg_database d on d.datname = current_database()
    cross join lateral unnest(s.setconfig) given(text)
    where s.setrole = r.oid and s.setdatabase in (0, d.oid)
    order by given.text) as settings
from pg_roles r
where r.oid in (select w.oid from wanted w) and not r.rolsuper and r.rolname <> current_user
order by r.rolname
