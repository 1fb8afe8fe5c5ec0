-- Creates the role that owns the embedded database, without superuser rights; its password comes in the setting batchgen.password, since it
-- cannot be a parameter. It may create roles, to grant the least to each kind of client. Returns nothing.
do $$
begin
  if not exists (select from pg_roles where rolname = 'batchgen') then
    execute format('create role batchgen login createrole password %L', current_setting('batchgen.password'));
  end if;
end $$
