create or replace function number_fits(value jsonb, lowest numeric, highest numeric) returns boolean
language sql immutable parallel safe as $$
  -- Without zeros at the end, and with few enough decimals that double precision gives the same text back: the bounds of job fields leave
  -- three digits before the point.
  select case when jsonb_typeof(value) = 'number'
    then value::numeric between lowest and highest and scale(value::numeric) = min_scale(value::numeric) and scale(value::numeric) <= 12
    else false end
$$;
comment on function number_fits is 'Whether a value of a job object is a number in a range, as json_number would write it.';
