create or replace function split_prompt(prompt text, out rest text, out adapters text)
language sql immutable as $$
-- Adapters written into the prompt as other tools do: <lora:name>, <lora:name:0.8>, <lora:name:0.8:0.5> (UNet, text encoder),
-- <lora:name:te=0.5:unet=0.8>, <lora:name:0.8:lbw=1,0,0.5> (per block). They come back spelled as in a signature, the prompt without them.
  select btrim(regexp_replace(prompt, '\s*<lora:[^<>]*>', '', 'g')),
    (select string_agg(
        parts[1]
        || '@' || coalesce(substr(named_unet, 6), placed[1], '1')
        || coalesce(':' || coalesce(substr(named_text, 4), placed[2]), '')
        || coalesce('[' || substr(named_blocks, 5) || ']', ''), '+' order by n)
      from regexp_matches(prompt, '<lora:([^<>]*)>', 'g') with ordinality found(groups, n)
      cross join lateral string_to_array(groups[1], ':') parts
      cross join lateral (
        select array_agg(p order by i) filter (where p not like '%=%') as placed,
          max(p) filter (where p like 'unet=%') as named_unet,
          max(p) filter (where p like 'te=%') as named_text,
          max(p) filter (where p like 'lbw=%') as named_blocks
        from unnest(parts[2:]) with ordinality u(p, i)) split)
$$;
comment on function split_prompt is 'Takes <lora:name:unet:text_encoder> out of a prompt.';
