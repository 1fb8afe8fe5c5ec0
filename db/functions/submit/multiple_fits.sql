create or replace function multiple_fits(value jsonb, lowest numeric, highest numeric, step int) returns boolean
language sql immutable parallel safe as $$
  select case when whole_fits(value, lowest, highest) then value::numeric % step = 0 else false end
$$;
comment on function multiple_fits is 'Whether a value of a job object is a whole number in a range and a multiple of a step.';
