create or replace function json_choice(element jsonb, field text, place text, choices text[]) returns text
language plpgsql immutable as $$
declare
  given constant text := json_text(element, field, place, 0, 100);
  chosen constant text := lower(btrim(given));
begin
  if chosen <> all(choices) then
    perform refuse(place, field, format('there is no %s ''%s''; use one of: %s.', field, given, array_to_string(choices, ', ')));
  end if;
  return chosen;
end $$;
comment on function json_choice is 'One of the names that a field may have, in lower case; null where the field is left out.';
