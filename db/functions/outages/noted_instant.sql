create or replace function noted_instant(of_sequence text) returns timestamptz
language plpgsql as $$
-- Asked by function, which costs no query; the function gives null while the sequence was never set.
begin
  return to_timestamp(coalesce(pg_sequence_last_value(of_sequence::regclass), 1) / 1000000.0);
end $$;
comment on function noted_instant is 'The instant that a sequence such as silence_ends holds; 1970 while it was never set.';
