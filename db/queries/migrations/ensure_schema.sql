-- Creates the schema if there is none. The name comes in the setting batchgen.schema, since an identifier cannot be a parameter.
-- Returns nothing.
do $$
begin
  if to_regnamespace(quote_ident(current_setting('batchgen.schema'))) is null then
    execute format('create schema if not exists %I', current_setting('batchgen.schema'));
  end if;
exception
  when unique_violation or duplicate_schema then
    null; -- Another migrator made it at the same moment.
end $$
