create or replace function levenshtein_distance(a text, b text) returns int
language plpgsql immutable as $$
declare
  previous int[] := array(select generate_series(0, length(b)));
  current int[];
begin
  for i in 1 .. length(a) loop
    current := array[i];
    for j in 1 .. length(b) loop
      current := current || least(
        current[j] + 1, previous[j + 1] + 1, previous[j] + case when substr(a, i, 1) = substr(b, j, 1) then 0 else 1 end);
    end loop;
    previous := current;
  end loop;
  return previous[length(b) + 1];
end $$;
comment on function levenshtein_distance is
  'How many letters to put in, leave out or replace to make one word of another; for short words.';
