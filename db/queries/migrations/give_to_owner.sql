-- Gives what list_foreign_objects found to the owners of its schemas. Its statements come in the setting batchgen.given, since a block has
-- no parameters. Returns nothing.
do $$
declare
  statement text;
begin
  foreach statement in array current_setting('batchgen.given')::text[] loop
    begin
      execute statement;
    exception
      when insufficient_privilege then
        null; -- It stays with its owner, and list_foreign_objects names it again.
    end;
  end loop;
end $$
