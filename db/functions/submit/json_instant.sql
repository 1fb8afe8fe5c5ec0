create or replace function json_instant(element jsonb, field text, place text) returns timestamptz
language plpgsql stable as $$
declare
  value jsonb := element -> field;
  instant timestamptz;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'string' then
    begin
      instant := (element ->> field)::timestamptz;
    exception when data_exception then
      null; -- falls through to the message below
    end;
  end if;
  if instant_fits(instant) then return instant; end if;
  perform refuse(place, field, format('expected an instant%s such as "2026-01-31T22:00:00Z", got %s.',
    case when isfinite(instant) then ' of the years 1 to 9999' else '' end, shown(value)));
  return null;
end $$;
comment on function json_instant is 'The instant in a field of a job object, null when it is left out; refuses anything else.';
