create or replace function checked_adapter(given jsonb, of_model models, place text, out name text, out spelling text)
language plpgsql stable as $$
declare
  fields constant text[] := array['name', 'strength', 'text_encoder_strength', 'block_strengths'];
  item jsonb := case when jsonb_typeof(given) = 'string' then spelled_adapter(given #>> '{}', place) else given end;
  unknown text;
  known adapters;
  strength numeric;
  text_encoder numeric;
begin
  if jsonb_typeof(item) <> 'object' then
    perform refuse(place, null, format('expected an object such as {"name": "ink", "strength": 0.8}, got %s.', shown(item)));
  end if;
  if item - fields <> '{}' then
    select key into unknown from jsonb_object_keys(item - fields) key limit 1;
    perform refuse(place, unknown, 'there is no such field.' || did_you_mean(unknown, fields));
  end if;
  known := find_adapter(item ->> 'name', of_model, place);
  strength := coalesce(checked_strength(item -> 'strength', place, 'strength'), 1);
  text_encoder := coalesce(checked_strength(item -> 'text_encoder_strength', place, 'text_encoder_strength'), strength);
  name := known.name;
  spelling := known.name || '@' || strength_text(strength)
    || case when text_encoder <> strength then ':' || strength_text(text_encoder) else '' end
    || checked_blocks(item -> 'block_strengths', of_model, place);
end $$;
comment on function checked_adapter is 'One adapter of a job: its registered name, and its canonical spelling with strengths.';
