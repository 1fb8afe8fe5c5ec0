-- Gives the schema of the setting batchgen.schema to the role of the setting batchgen.new_name, if it is there. Returns nothing.
do $$
begin
  if to_regnamespace(quote_ident(current_setting('batchgen.schema'))) is not null then
    execute format('alter schema %I owner to %I', current_setting('batchgen.schema'), current_setting('batchgen.new_name'));
  end if;
end $$
