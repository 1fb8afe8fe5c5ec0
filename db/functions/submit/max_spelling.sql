create or replace function max_spelling() returns int
language sql immutable parallel safe as $$
  -- A name, two strengths and the strengths of all blocks take no more.
  select 1000
$$;
comment on function max_spelling is 'The most characters that one adapter may be spelled with.';
