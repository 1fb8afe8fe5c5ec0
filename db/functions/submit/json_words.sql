create or replace function json_words(element jsonb, field text, place text, most_words int, longest int) returns text[]
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) <> 'array' or jsonb_array_length(value) > most_words then
    perform refuse(place, field, format('expected a list of at most %s words, got %s.', most_words, shown(value)));
  end if;
  if exists (
    select from jsonb_array_elements(value) w
    where jsonb_typeof(w.value) <> 'string' or char_length(w.value #>> '{}') not between 1 and longest)
  then
    perform refuse(place, field, format('expected words of 1 to %s characters, got %s.', longest, shown(value)));
  end if;
  return nullif(array(select jsonb_array_elements_text(value)), '{}');
end $$;
comment on function json_words is 'A list of words; null where the field is left out or the list is empty.';
