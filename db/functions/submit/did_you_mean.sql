create or replace function did_you_mean(word text, candidates text[]) returns text
language sql immutable as $$
  select coalesce(' Did you mean ''' || nearest(word, candidates) || '''?', '')
$$;
