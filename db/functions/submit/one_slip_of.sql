create or replace function one_slip_of(word text) returns text[]
language sql immutable as $$
  -- A letter left out, two exchanged, one replaced, one put in; the letters are those that names are mostly made of, and those of the word.
  with places as (select generate_series(0, length(word)) as p),
  letters as (select distinct l from unnest(string_to_array('abcdefghijklmnopqrstuvwxyz0123456789._- ' || word, null)) l)
  select array_agg(slip) from (
    select left(word, p) || substr(word, p + 2) as slip from places
    union all
    select left(word, p) || substr(word, p + 2, 1) || substr(word, p + 1, 1) || substr(word, p + 3) from places
    union all
    select left(word, p) || l || substr(word, p + 2) from places, letters
    union all
    select left(word, p) || l || substr(word, p + 1) from places, letters) s
$$;
comment on function one_slip_of is 'The words that one slip makes of a word, itself among them.';
