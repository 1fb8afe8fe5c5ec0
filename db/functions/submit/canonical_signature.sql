create or replace function canonical_signature(model text, model_family text, adapters jsonb, place text) returns text
language plpgsql stable as $$
-- The same text as Core's AdapterSignature: model|name@strength+name@strength, adapters in byte order of their registered names.
declare
  list jsonb := adapters;
  item jsonb;
  item_place text;
  index int := -1;
  known adapters;
  strength numeric;
  text_encoder numeric;
  blocks numeric[];
  names text[] := '{}';
  pieces text[] := '{}';
  piece text;
begin
  if list is null or list = 'null' or list = '[]' or list = '""' then return model || '|'; end if;
  if jsonb_typeof(list) = 'string' then list := to_jsonb(string_to_array(list #>> '{}', '+')); end if;
  if jsonb_typeof(list) <> 'array' then
    perform refuse(place, 'adapters', format('expected a list such as [{"name": "ink", "strength": 0.8}], got %s.', shown(list)));
  end if;
  if jsonb_array_length(list) > 32 then
    perform refuse(place, 'adapters', format('expected at most 32 adapters, got %s.', jsonb_array_length(list)));
  end if;

  for item in select value from jsonb_array_elements(list) loop
    index := index + 1;
    item_place := place || '.adapters[' || index || ']';
    if jsonb_typeof(item) = 'string' then item := spelled_adapter(item #>> '{}', item_place); end if;
    if jsonb_typeof(item) <> 'object' then
      perform refuse(item_place, null, format('expected an object such as {"name": "ink", "strength": 0.8}, got %s.', shown(item)));
    end if;
    if item - array['name', 'strength', 'text_encoder_strength', 'block_strengths'] <> '{}' then
      select key into piece from jsonb_object_keys(item - array['name', 'strength', 'text_encoder_strength', 'block_strengths']) key limit 1;
      perform refuse(item_place, piece, 'there is no such field.'
        || did_you_mean(piece, array['name', 'strength', 'text_encoder_strength', 'block_strengths']));
    end if;
    if item ->> 'name' is null then
      perform refuse(item_place, 'name', 'expected the name of a registered adapter; the field is missing.');
    end if;
    select * into known from adapters a where a.name_key = lower(item ->> 'name');
    if not found then
      perform refuse(item_place, 'name', format('no adapter ''%s'' is registered.', item ->> 'name')
        || did_you_mean(item ->> 'name', array(select a.name from adapters a order by a.name limit 2000))
        || ' Register it with: batchgen adapters add FILE');
    end if;
    if known.family <> '' and known.family <> model_family then
      perform refuse(item_place, 'name', format('adapter ''%s'' fits %s models, and ''%s'' is %s; use another adapter or model.',
        known.name, known.family, model, model_family));
    end if;
    if known.name = any(names) then
      perform refuse(item_place, 'name', format('adapter ''%s'' is named twice; add its strengths into one entry.', known.name));
    end if;

    strength := case when coalesce(item -> 'strength', 'null') = 'null' then 1 else checked_strength(item -> 'strength', item_place, 'strength') end;
    text_encoder := case when coalesce(item -> 'text_encoder_strength', 'null') = 'null' then strength
      else checked_strength(item -> 'text_encoder_strength', item_place, 'text_encoder_strength') end;
    piece := known.name || '@' || strength_text(strength);
    if text_encoder <> strength then piece := piece || ':' || strength_text(text_encoder); end if;
    if coalesce(item -> 'block_strengths', 'null') <> 'null' then
      if jsonb_typeof(item -> 'block_strengths') <> 'array' or jsonb_array_length(item -> 'block_strengths') not in (12, 17, 20, 26) then
        perform refuse(item_place, 'block_strengths', format('expected a list of 12, 17, 20 or 26 numbers, got %s.', shown(item -> 'block_strengths')));
      end if;
      -- Each count is a layout of one kind of UNet; 26 lists the blocks of every kind. The renderer has the same rule.
      if jsonb_array_length(item -> 'block_strengths') = any(case when model_family = 'sdxl' then '{17}' else '{12,20}' end::int[]) then
        perform refuse(item_place, 'block_strengths', format('expected %s numbers for %s models, got %s.',
          case when model_family = 'sdxl' then '12, 20 or 26' else '17 or 26' end, model_family, jsonb_array_length(item -> 'block_strengths')));
      end if;
      select array_agg(checked_strength(value, item_place, 'block_strengths[' || n - 1 || ']') order by n) into blocks
      from jsonb_array_elements(item -> 'block_strengths') with ordinality b(value, n);
      if 1 <> any(blocks) then
        piece := piece || '[' || (select string_agg(strength_text(b), ',' order by n) from unnest(blocks) with ordinality u(b, n)) || ']';
      end if;
    end if;
    names := names || known.name;
    pieces := pieces || piece;
  end loop;

  piece := model || '|' || (
    select string_agg(p, '+' order by n collate "C")
    from unnest(names, pieces) u(n, p));
  -- An index entry holds little more.
  if octet_length(piece) > 2500 then
    perform refuse(place, 'adapters', format('expected names and strengths that take at most 2500 bytes together, got %s; use fewer adapters, shorter names or fewer digits.', octet_length(piece)));
  end if;
  return piece;
end $$;
comment on function canonical_signature is 'The signature text of a model and adapters in any spelling and order.';
