-- Drops views, in the order given. Refused while a view that BatchGen did not make depends on one. The names come in the setting
-- batchgen.dropped, since a block has no parameters.
do $$
declare
  view text;
begin
  foreach view in array current_setting('batchgen.dropped')::text[] loop
    execute format('drop view if exists %I', view);
  end loop;
end $$
