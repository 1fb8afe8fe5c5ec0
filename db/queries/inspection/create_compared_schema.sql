-- Creates the schema that functions are made in to be compared. One that is there is refused: what somebody else put into it would be found
-- first. The name comes in the setting batchgen.schema, since an identifier cannot be a parameter. Returns nothing.
do $$
begin
  execute format('create schema %I', current_setting('batchgen.schema'));
end $$
