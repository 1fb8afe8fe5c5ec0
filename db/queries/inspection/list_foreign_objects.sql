-- What in schemas belongs to another role than its schema; members of an extension are left out, which belong to whoever made that.
-- @schemas text[]. Returns object, owner, schema_owner, statement (gives it to the owner of the schema; null where this user may not act
-- for both).
with owned as (
  select c.tableoid as catalog_id, c.oid, c.relnamespace as schema_id, c.relowner as owner, c.relname as name,
    case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end as kind
  from pg_class c
  where c.relkind in ('r', 'p', 'v', 'm', 'f') or c.relkind = 'S' and not exists (
    -- A sequence of a column goes with its table.
    select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i'))
  union all
  select p.tableoid, p.oid, p.pronamespace, p.proowner, p.proname, 'function' from pg_proc p
  union all
  select t.tableoid, t.oid, t.typnamespace, t.typowner, t.typname, 'type'
  from pg_type t
  left join pg_class c on c.oid = t.typrelid
  -- The row type of a table goes with it.
  where t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
select o.kind || ' ' || o.name as object, pg_get_userbyid(o.owner)::text as owner, pg_get_userbyid(n.nspowner)::text as schema_owner,
  case
    when pg_has_role(o.owner, 'usage')
      -- From 16 on a member of a role may be kept from giving anything to it.
      and pg_has_role(n.nspowner, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)
    then format('alter %s %I.%I%s owner to %I', case o.kind when 'function' then 'routine' else o.kind end, n.nspname, o.name,
      case o.kind when 'function' then '(' || pg_get_function_identity_arguments(o.oid) || ')' end, pg_get_userbyid(n.nspowner))
  end as statement
from owned o
join pg_namespace n on n.oid = o.schema_id
where n.nspname = any(@schemas) and o.owner <> n.nspowner
  and not exists (select from pg_depend d where d.classid = o.catalog_id and d.objid = o.oid and d.deptype = 'e')
order by n.nspname, object
