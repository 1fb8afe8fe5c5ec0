-- Drops routines. Refused while something else depends on one; the message names it. The identities come in the setting batchgen.dropped,
-- since a block has no parameters.
do $$
declare
  identity text;
  reason text;
begin
  foreach identity in array current_setting('batchgen.dropped')::text[] loop
    execute format('drop routine if exists %s', identity);
  end loop;
exception
  when dependent_objects_still_exist then
    get stacked diagnostics reason = pg_exception_detail;
    raise exception using errcode = 'dependent_objects_still_exist', message = reason;
end $$
