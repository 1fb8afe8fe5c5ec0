create or replace function note_instant(in_sequence text, instant timestamptz) returns void
language plpgsql as $$
begin
  perform setval(in_sequence::regclass, greatest(1, (extract(epoch from instant) * 1000000)::bigint));
end $$;
comment on function note_instant is 'Sets a sequence to the microsecond of an instant; stays also when the transaction fails.';
