create or replace function text_fits(value jsonb, shortest int, longest int) returns boolean
language sql immutable parallel safe as $$
  -- A field that is left out fits. Written as one expression, so that the planner puts it into the statement that asks.
  select case when jsonb_typeof(value) = 'string' then char_length(value #>> '{}') between shortest and longest else value is null end
$$;
comment on function text_fits is 'Whether a value of a job object is text of a length, or is left out.';
