create or replace function merged_adapters(adapters jsonb, in_prompt text) returns jsonb
language sql immutable as $$
  -- Anything but a list or text is handed on as it came: canonical_signature refuses it with the field's name.
  select case
    when in_prompt is null then adapters
    when coalesce(adapters, 'null') in ('null', '""') then to_jsonb(string_to_array(in_prompt, '+'))
    when jsonb_typeof(adapters) = 'string'
      then to_jsonb(string_to_array(adapters #>> '{}', '+')) || to_jsonb(string_to_array(in_prompt, '+'))
    when jsonb_typeof(adapters) = 'array' then adapters || to_jsonb(string_to_array(in_prompt, '+'))
    else adapters end
$$;
comment on function merged_adapters is 'The adapters of a job with those that its prompt names.';
