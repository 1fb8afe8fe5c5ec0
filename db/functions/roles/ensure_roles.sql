create or replace procedure ensure_roles()
language plpgsql as $$
declare
  wanted text;
begin
  foreach wanted in array queue_roles() loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when insufficient_privilege then
          raise warning 'Role % is missing and this user may not create it; see docs/queue.md, "Roles".', wanted;
        when duplicate_object or unique_violation then
          null; -- Another migration made it at the same moment.
      end;
    end if;
  end loop;
end $$;
comment on procedure ensure_roles is 'Creates the three roles where they are missing.';
