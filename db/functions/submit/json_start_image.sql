create or replace function json_start_image(element jsonb, field text, place text, longest int) returns text
language plpgsql immutable as $$
declare
  name constant text := json_text(element, field, place, 1, longest);
begin
  if octet_length(name) > 255 and exists (
    select from unnest(string_to_array(name, '/')) part where octet_length(convert_to(part, 'UTF8')) > 255)
  then
    perform refuse(place, field, format('no file system holds a name of more than 255 bytes, and one in %s is longer in UTF-8; name the '
      'file with fewer letters.', shown(element -> field)));
  end if;
  if not is_start_image_name(name) then
    perform refuse(place, field, format('expected the name of an image below the folder of start images, such as "cats/1.png", got %s.',
        shown(element -> field))
      || ' Put the image there; batchgen submit --start-image FILE and POST /api/v1/start-images do so and give it a name.');
  end if;
  return name;
end $$;
comment on function json_start_image is 'The name of a start image; null where the field is left out.';
