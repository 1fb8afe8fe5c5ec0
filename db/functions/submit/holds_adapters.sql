create or replace function holds_adapters(recipe jsonb) returns boolean
language sql immutable parallel safe as $$
  -- A prompt that is too long, or no text, is left as it is and refused for that.
  select case when strpos(recipe ->> 'prompt', '<lora:') > 0 then recipe_is_plain(jsonb_build_object('prompt', recipe -> 'prompt'))
    else false end
$$;
comment on function holds_adapters is 'Whether adapters may stand in the prompt of a job or recipe.';
