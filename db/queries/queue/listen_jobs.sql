-- Listens for new work on the channel of the schema. Returns nothing.
do $$
begin
  execute format('listen %I', current_schema() || '_jobs');
end $$
