create or replace function shown(value jsonb) returns text
language sql immutable as $$
  select case when length(value::text) > 60 then left(value::text, 57) || '...' else value::text end
$$;
comment on function shown is 'A value as error messages show it, cut to 60 characters.';
