create or replace function choice_fits(value jsonb, choices text[]) returns boolean
language sql immutable parallel safe as $$
  select case when jsonb_typeof(value) = 'string' then value #>> '{}' = any(choices) else value is null end
$$;
comment on function choice_fits is 'Whether a value of a job object is one of the names that may be given, in lower case, or is left out.';
