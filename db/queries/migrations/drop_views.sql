-- Drops views, in the order given. Refused while a view that BatchGen did not make depends on one; the message names it. The names come in
-- the setting batchgen.dropped, since a block has no parameters.
do $$
declare
  view text;
  reason text;
begin
  foreach view in array current_setting('batchgen.dropped')::text[] loop
    execute format('drop view if exists %I', view);
  end loop;
exception
  when dependent_objects_still_exist then
    get stacked diagnostics reason = pg_exception_detail;
    raise exception using errcode = 'dependent_objects_still_exist', message = reason;
end $$
