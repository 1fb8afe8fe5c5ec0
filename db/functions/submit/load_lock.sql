create or replace function load_lock(load text, staged_by name) returns bigint
language sql stable as $$
  select hashtextextended(current_schema() || '|' || staged_by || '|' || load, 5)
$$;
comment on function load_lock is 'Key of the advisory lock that lets one transaction at a time take rows out of a load.';
