create or replace function words_are_plain(words text[], most_words int, longest int) returns boolean
language sql immutable parallel safe as $$
  select words = '{}' or (cardinality(words) <= most_words and array_ndims(words) = 1
    and array_position(words, null) is null and array_position(words, '') is null
    -- Words that are short together are short each, which is quicker to see.
    and (octet_length(array_to_string(words, '')) <= longest or not exists (select from unnest(words) w where char_length(w) > longest)))
$$;
comment on function words_are_plain is 'Whether an array is a list of words as json_words takes them.';
