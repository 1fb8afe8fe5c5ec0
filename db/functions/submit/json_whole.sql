create or replace function json_whole(element jsonb, field text, place text, low numeric, high numeric) returns bigint
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
  number numeric;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then
    number := value::numeric;
    if number = trunc(number) and number between low and high then return number::bigint; end if;
  end if;
  perform refuse(place, field, format('expected a whole number from %s to %s, got %s.', low, high, shown(value)));
  return null;
end $$;
