create or replace function json_whole(
  element jsonb, field text, place text, lowest numeric, highest numeric, step int default 1)
returns bigint
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
  number numeric;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then number := value::numeric; end if;
  if number is null or number <> trunc(number) or number not between lowest and highest then
    perform refuse(place, field, format('expected a whole number from %s to %s, got %s.', lowest, highest, shown(value)));
  end if;
  if number % step <> 0 then
    perform refuse(place, field, format('expected a multiple of %s, got %s; the nearest is %s.',
      step, number, round(number / step) * step));
  end if;
  return number::bigint;
end $$;
comment on function json_whole is 'A whole number in a range and a multiple of a step; null where the field is left out.';
