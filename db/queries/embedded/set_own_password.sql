-- Gives the login itself another password, that of the setting batchgen.password, since it cannot be a parameter. Returns nothing.
do $$
begin
  execute format('alter role %I password %L', current_user, current_setting('batchgen.password'));
end $$
