create or replace function whole_fits(value jsonb, lowest numeric, highest numeric, step int) returns boolean
language sql immutable parallel safe as $$
  -- A scale of 0 means that the number is written without a decimal point, as programs that read whole numbers expect it.
  select case when jsonb_typeof(value) = 'number'
    then scale(value::numeric) = 0 and value::numeric between lowest and highest and value::numeric % step = 0
    else value is null end
$$;
comment on function whole_fits is 'Whether a value of a job object is a whole number in a range and a multiple of a step, or is left out.';
