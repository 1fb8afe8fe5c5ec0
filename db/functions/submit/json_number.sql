create or replace function json_number(
  element jsonb, field text, place text, lowest numeric, highest numeric, lowest_excluded boolean default false)
returns double precision
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' and value::numeric between lowest and highest and not (lowest_excluded and value::numeric = lowest) then
    -- Rounded, because a number too small for double precision would be an error of another kind.
    return round(value::numeric, 20);
  end if;
  perform refuse(place, field, format('expected a finite number %s %s to %s, got %s.',
    case when lowest_excluded then 'above' else 'from' end, lowest, highest, shown(value)));
  return null;
end $$;
comment on function json_number is 'A number in a range; null where the field is left out.';
