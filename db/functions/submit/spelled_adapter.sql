create or replace function spelled_adapter(spelling text, place text) returns jsonb
language plpgsql immutable as $$
-- name, name@0.8, name@0.8:0.5 or name@0.8[1,0,0.5], as a signature spells it.
declare
  parts text[];
begin
  -- Longer than any adapter is: nothing looks into it.
  if char_length(spelling) > max_spelling() then
    perform refuse(place, null, format('expected at most %s characters, got %s.', max_spelling(), char_length(spelling)));
  end if;
  parts := regexp_match(btrim(spelling), '^([^@:\[\]]+?)\s*(?:@\s*([^:\[\]]+?)\s*(?::\s*([^:\[\]]+?)\s*)?(?:\[([^\[\]]*)\]\s*)?)?$');
  if parts is null then
    perform refuse(place, null, format('%s is not an adapter; write name, name@0.8 or name@0.8:0.5.', shown(to_jsonb(spelling))));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'name', btrim(parts[1]), 'strength', parts[2], 'text_encoder_strength', parts[3],
    'block_strengths', case when parts[4] is not null then to_jsonb(string_to_array(replace(parts[4], ' ', ''), ',')) end));
end $$;
comment on function spelled_adapter is 'An adapter of a job object from its spelling in a signature, such as ink@0.8:0.5.';
