create or replace function find_adapter(wanted text, of_model models, place text) returns adapters
language plpgsql stable as $$
declare
  known adapters;
begin
  if wanted is null then
    perform refuse(place, 'name', 'expected the name of a registered adapter; the field is missing.');
  end if;
  select * into known from adapters a where a.name_key = lower(wanted);
  if not found then
    perform refuse(place, 'name', format('no adapter ''%s'' is registered.', shortened(wanted, 100))
      || did_you_mean(wanted, array(select a.name from adapters a))
      || ' Register it with: batchgen adapters add FILE');
  end if;
  if known.family <> '' and known.family <> of_model.family then
    perform refuse(place, 'name', format('adapter ''%s'' fits %s models, and ''%s'' is %s; use another adapter or model.',
      known.name, known.family, of_model.name, of_model.family));
  end if;
  return known;
end $$;
comment on function find_adapter is 'The registered adapter of a name, in any case, which fits the model.';
