-- Whom schemas belong to. @schemas text[]. Returns schema, owner, is_superuser, is_member (whether this login may act as the owner),
-- database, suggested (the owner of the database, or this login, whichever is no superuser; null where both are).
select n.nspname::text as schema, o.rolname::text as owner, o.rolsuper as is_superuser, pg_has_role(o.oid, 'member') as is_member,
  current_database()::text as database,
  (
    select r.rolname::text
    from pg_roles r
    join pg_database d on d.datname = current_database()
    where not r.rolsuper and (r.oid = d.datdba or r.rolname = current_user)
    order by r.oid = d.datdba desc
    limit 1) as suggested
from pg_namespace n
join pg_roles o on o.oid = n.nspowner
where n.nspname = any(@schemas)
order by array_position(@schemas, n.nspname::text)
