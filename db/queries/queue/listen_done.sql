-- Listens for jobs that ended on the channel of the schema. Returns nothing.
do $$
begin
  execute format('listen %I', current_schema() || '_done');
end $$
