create or replace function number_fits(value jsonb, lowest numeric, highest numeric) returns boolean
language sql immutable parallel safe as $$
  select case when jsonb_typeof(value) = 'number' then value::numeric between lowest and highest else value is null end
$$;
comment on function number_fits is 'Whether a value of a job object is a number in a range, or is left out.';
