create or replace function advance_clock_fully() returns void
language plpgsql as $$
-- Many late jobs at once are failed in a few claims and rescues, so that none takes long.
begin
  for round in 1 .. 10 loop
    exit when advance_clock() < 5000;
  end loop;
end $$;
comment on function advance_clock_fully is 'Makes due jobs ready and fails those past their deadline, some ten thousands at most.';
