create or replace function staged_line(of_load text, id bigint) returns text
language sql stable as $$
  -- Reads the rows before it, so it is asked only where something is refused.
  select 'line ' || count(*) from staged_jobs s where s.load = of_load and s.staged_by = session_user and s.job_id <= id
$$;
comment on function staged_line is 'What messages call a staged row: its number in the load of this session''s role.';
