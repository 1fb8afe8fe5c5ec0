create or replace function json_number(element jsonb, field text, place text, low numeric, high numeric) returns double precision
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then
    -- Rounded, because a number too small for double precision would be an error of another kind.
    if value::numeric between low and high then return round(value::numeric, 20); end if;
  end if;
  perform refuse(place, field, format('expected a finite number from %s to %s, got %s.', low, high, shown(value)));
  return null;
end $$;
