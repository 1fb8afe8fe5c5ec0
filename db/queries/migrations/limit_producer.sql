-- Gives the login of the setting batchgen.role settings of its sessions in this database. Returns nothing.
do $$
declare
  wanted constant jsonb := current_setting('batchgen.role')::jsonb;
  setting text;
begin
  for setting in select jsonb_array_elements_text(wanted -> 'settings') loop
    execute format('alter role %I in database %I set %s = %L',
      wanted ->> 'name', current_database(), split_part(setting, '=', 1), split_part(setting, '=', 2));
  end loop;
end $$
