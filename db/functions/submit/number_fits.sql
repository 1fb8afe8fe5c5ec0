create or replace function number_fits(value jsonb, least numeric, most numeric) returns boolean
language sql immutable parallel safe as $$
  select case when jsonb_typeof(value) = 'number' then value::numeric between least and most else value is null end
$$;
comment on function number_fits is 'Whether a value of a job object is a number in a range, or is left out.';
