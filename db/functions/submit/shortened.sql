create or replace function shortened(content text, longest int default 60) returns text
language sql immutable as $$
  select case when char_length(content) > longest then left(content, longest - 3) || '...' else content end
$$;
comment on function shortened is 'A text as error messages show it: they never repeat all of what somebody sent.';
