create or replace function has_control_character(name text) returns boolean
language sql immutable parallel safe as $$
  -- By number, since what [:cntrl:] means depends on the database's locale.
  select name ~ '[\u0001-\u001f\u007f-\u009f]'
$$;
comment on function has_control_character is 'Whether a name has a character that no address of a page can hold, such as a tab.';
