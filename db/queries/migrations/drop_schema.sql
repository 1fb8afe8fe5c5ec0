-- Drops a schema: that of a benchmark, or one that a restored backup replaces. The name
-- comes in the setting batchgen.schema, since an identifier cannot be a parameter.
do $$
begin
  execute format('drop schema if exists %I cascade', current_setting('batchgen.schema'));
end $$
