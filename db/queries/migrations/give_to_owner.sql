-- Gives whatever lies in the schema of the setting batchgen.schema and belongs to another role to the owner of the schema, as far as this
-- user may act for both. Returns nothing.
do $$
declare
  home constant name := current_setting('batchgen.schema');
  owner_of_schema oid;
  -- From 16 on a member of a role may be kept from giving anything to it.
  giving constant text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
  statement text;
begin
  select n.nspowner into owner_of_schema from pg_namespace n where n.nspname = home;
  if owner_of_schema is null or not pg_has_role(owner_of_schema, giving) then return; end if;
  for statement in
    select format('alter %s %s owner to %I', o.kind, o.name, pg_get_userbyid(owner_of_schema))
    from (
      select c.relnamespace, c.relowner, case c.relkind when 'c' then 'type' else 'table' end, format('%I.%I', home, c.relname)
      from pg_class c
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') or c.relkind = 'S' and not exists (
        -- A sequence of a column goes with its table.
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i'))
      union all
      select p.pronamespace, p.proowner, 'routine', p.oid::regprocedure::text from pg_proc p
      union all
      select t.typnamespace, t.typowner, 'type', format('%I.%I', home, t.typname) from pg_type t where t.typtype in ('d', 'e', 'r')
    ) o(schema_id, owner, kind, name)
    where o.schema_id = home::text::regnamespace and o.owner <> owner_of_schema and pg_has_role(o.owner, 'usage')
  loop
    begin
      execute statement;
    exception
      when insufficient_privilege then
        null; -- It stays with its owner, and list_foreign_objects names it.
    end;
  end loop;
end $$
