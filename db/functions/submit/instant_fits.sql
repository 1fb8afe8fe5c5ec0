create or replace function instant_fits(instant timestamptz) returns boolean
language sql immutable parallel safe as $$
  -- The years 1 to 9999: what programs, calendars and documents can hold. Written as one expression, so that the planner puts it into the
  -- statement that asks.
  select instant >= timestamptz '0001-01-01 00:00:00+00' and instant < timestamptz '10000-01-01 00:00:00+00'
$$;
comment on function instant_fits is 'Whether an instant lies in the years 1 to 9999; null for null.';
