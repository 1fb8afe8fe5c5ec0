create or replace function nearest(word text, candidates text[]) returns text
language plpgsql immutable as $$
-- Levenshtein distance, written out because the extension that has it is not installed everywhere; only error messages call it. Core's
-- NearestName does the same for rows that the program reads; its remarks say why both are needed.
declare
  a text := lower(left(word, 40));
  b text;
  candidate text;
  best text;
  best_distance int := 2147483647;
  previous int[];
  current int[];
begin
  foreach candidate in array coalesce(candidates, '{}') loop
    b := lower(left(candidate, 40));
    previous := array(select generate_series(0, length(b)));
    for i in 1 .. length(a) loop
      current := array[i];
      for j in 1 .. length(b) loop
        current := current || least(
          current[j] + 1, previous[j + 1] + 1,
          previous[j] + case when substr(a, i, 1) = substr(b, j, 1) then 0 else 1 end);
      end loop;
      previous := current;
    end loop;
    if previous[length(b) + 1] < best_distance then
      best_distance := previous[length(b) + 1];
      best := candidate;
    end if;
  end loop;
  -- Further away than half the word is no help.
  return case when best_distance <= greatest(2, length(a) / 2) then best end;
end $$;
comment on function nearest is 'The nearest of some words by Levenshtein distance; null when none is near.';
