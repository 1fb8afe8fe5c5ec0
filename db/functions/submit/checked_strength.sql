create or replace function checked_strength(value jsonb, place text, field text) returns numeric
language plpgsql immutable as $$
declare
  number numeric;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then
    number := value::numeric;
  elsif jsonb_typeof(value) = 'string' then
    begin
      number := (value #>> '{}')::numeric;
    exception when data_exception then
      number := 'NaN';
    end;
  end if;
  -- A NaN compares above every number in SQL, so it fails the range like an infinity does.
  if number is null or not (number between -16 and 16) then
    perform refuse(place, field, format('expected a finite number from -16 to 16, got %s.', shown(value)));
  end if;
  return round(number, 4);
end $$;
comment on function checked_strength is
  'A strength, rounded to four decimals half away from zero as Core''s AdapterSignature does; null where it is left out.';
