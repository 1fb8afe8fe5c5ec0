create or replace procedure grant_execute(names text[], to_role name)
language plpgsql as $$
declare
  wanted record;
begin
  for wanted in
    select n.name, p.oid::regprocedure as function
    from unnest(names) n(name)
    left join pg_proc p on p.proname = n.name and p.pronamespace = current_schema()::regnamespace
      -- Not what somebody made beside it with other parameters.
      and p.oid::regprocedure::text in (select unnest(f.made) from schema_functions f)
  loop
    if wanted.function is null then
      raise exception 'Function % is missing, which a role of the queue calls. Run as the owner of the schema: batchgen migrate',
        wanted.name;
    end if;
    execute format('grant execute on function %s to %I', wanted.function, to_role);
  end loop;
end $$;
comment on procedure grant_execute is 'Lets a role call functions, named without their arguments.';
