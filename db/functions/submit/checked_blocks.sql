create or replace function checked_blocks(given jsonb, of_model models, place text) returns text
language plpgsql stable as $$
declare
  counts int[];
  blocks numeric[];
begin
  if given is null or given = 'null' then return ''; end if;
  counts := block_strength_counts(of_model.family);
  if jsonb_typeof(given) <> 'array' or jsonb_array_length(given) <> all(counts) then
    perform refuse(place, 'block_strengths', format('expected a list of %s numbers for %s models, got %s.',
      array_to_string(counts, ' or '), of_model.family,
      case jsonb_typeof(given) when 'array' then jsonb_array_length(given)::text else shown(given) end));
  end if;
  select array_agg(checked_strength(value, place, 'block_strengths[' || n - 1 || ']') order by n) into blocks
  from jsonb_array_elements(given) with ordinality b(value, n);
  -- All 1 is what an adapter without block strengths has.
  if 1 = all(blocks) then return ''; end if;
  return '[' || (select string_agg(strength_text(b), ',' order by n) from unnest(blocks) with ordinality u(b, n)) || ']';
end $$;
comment on function checked_blocks is 'Block strengths of an adapter in their canonical spelling; empty without any.';
