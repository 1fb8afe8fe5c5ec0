-- Drops routines. Refused while something else depends on one. The identities come in the setting batchgen.dropped, since a block has no
-- parameters.
do $$
declare
  identity text;
begin
  foreach identity in array current_setting('batchgen.dropped')::text[] loop
    execute format('drop routine if exists %s', identity);
  end loop;
end $$
