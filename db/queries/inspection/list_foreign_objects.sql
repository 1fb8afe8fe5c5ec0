-- What in schemas belongs to another role than its schema. @schemas text[]. Returns object, owner, schema_owner.
with owned as (
  select c.relnamespace as schema_id, c.relowner as owner,
    case c.relkind when 'v' then 'view ' when 'S' then 'sequence ' when 'c' then 'type ' else 'table ' end || c.relname as object
  from pg_class c
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') or c.relkind = 'S' and not exists (
    -- A sequence of a column goes with its table.
    select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i'))
  union all
  select p.pronamespace, p.proowner, 'function ' || p.proname from pg_proc p
  union all
  select t.typnamespace, t.typowner, 'type ' || t.typname from pg_type t where t.typtype in ('d', 'e', 'r'))
select o.object, pg_get_userbyid(o.owner)::text as owner, pg_get_userbyid(n.nspowner)::text as schema_owner
from owned o
join pg_namespace n on n.oid = o.schema_id
where n.nspname = any(@schemas) and o.owner <> n.nspowner
order by n.nspname, o.object
