create or replace function json_text(element jsonb, field text, place text, shortest int, longest int) returns text
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
  content text;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) <> 'string' then
    perform refuse(place, field, format('expected text, got %s.', shown(value)));
  end if;
  content := element ->> field;
  if char_length(content) not between shortest and longest then
    perform refuse(place, field, format('expected %s to %s characters, got %s; %s it.', shortest, longest, char_length(content),
      case when char_length(content) < shortest then 'lengthen or leave out' else 'shorten' end));
  end if;
  return content;
end $$;
comment on function json_text is
  'The text in a field of a job object, null when it is left out; refuses anything else and text of a wrong length.';
