create or replace function canonical_signature(of_model models, adapters jsonb, place text) returns text
language plpgsql stable as $$
-- The same text as Core's AdapterSignature: model|name@strength+name@strength, adapters in byte order of their registered names.
declare
  list jsonb := adapters;
  item jsonb;
  item_place text;
  index int := -1;
  checked record;
  names text[] := '{}';
  spellings text[] := '{}';
  signature text;
begin
  if list is null or list = 'null' or list = '[]' or list = '""' then return of_model.name || '|'; end if;
  if jsonb_typeof(list) = 'string' and length(list #>> '{}') > max_adapters() * max_spelling() then
    perform refuse(place, 'adapters',
      format('expected at most %s characters, got %s.', max_adapters() * max_spelling(), length(list #>> '{}')));
  end if;
  if jsonb_typeof(list) = 'string' then list := to_jsonb(string_to_array(list #>> '{}', '+')); end if;
  if jsonb_typeof(list) <> 'array' then
    perform refuse(place, 'adapters', format('expected a list such as [{"name": "ink", "strength": 0.8}], got %s.', shown(list)));
  end if;
  if jsonb_array_length(list) > max_adapters() then
    perform refuse(place, 'adapters', format('expected at most %s adapters, got %s.', max_adapters(), jsonb_array_length(list)));
  end if;

  for item in select value from jsonb_array_elements(list) loop
    index := index + 1;
    item_place := place || '.adapters[' || index || ']';
    checked := checked_adapter(item, of_model, item_place);
    if checked.name = any(names) then
      perform refuse(item_place, 'name', format('adapter ''%s'' is named twice; add its strengths into one entry.', checked.name));
    end if;
    names := names || checked.name;
    spellings := spellings || checked.spelling;
  end loop;

  signature := of_model.name || '|' || (
    select string_agg(s, '+' order by n collate "C")
    from unnest(names, spellings) u(n, s));
  -- An index entry holds little more.
  if octet_length(signature) > 2500 then
    perform refuse(place, 'adapters', format('expected names and strengths that take at most 2500 bytes together, got %s; '
      'use fewer adapters, shorter names or fewer digits.', octet_length(signature)));
  end if;
  return signature;
end $$;
comment on function canonical_signature is 'The signature text of a model and adapters in any spelling and order.';
