create or replace function shown(value jsonb) returns text
language sql immutable as $$
  select shortened(value::text)
$$;
comment on function shown is 'A value as error messages show it, cut to 60 characters.';
