create or replace function did_you_mean(word text, candidates text[]) returns text
language sql immutable as $$
  select coalesce(' Did you mean ''' || nearest(word, candidates) || '''?', '')
$$;
comment on function did_you_mean is 'The end of an error message that offers the nearest of some words; empty when none is near.';
