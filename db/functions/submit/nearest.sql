create or replace function nearest(word text, candidates text[]) returns text
language plpgsql immutable
-- Only a plan for these words looks them up by hash.
set plan_cache_mode = force_custom_plan as $$
-- By Levenshtein distance, written out because the extension that has it is not installed everywhere; only error messages call it. Among
-- ten thousand names it would take seconds, so first those are looked up that one slip makes, and then the few are compared that have
-- nearly the same letters. Core's NearestName does the same for rows that the program reads; its remarks say why both are needed.
declare
  -- Letters of English alone are taken for equal in any case, which is quicker than the rules of all languages.
  a constant text := lower(left(word, 40) collate "C");
  -- All at once, which is several times quicker than one by one. A name holds no end of a line.
  lowered constant text[] := string_to_array(lower(array_to_string(candidates, E'\n') collate "C"), E'\n');
  -- Further away than half the word is no help.
  limit_distance constant int := greatest(2, length(a) / 2);
  -- The comparison of two words takes as many steps as their lengths make together.
  at_most constant int := greatest(4, 6000 / (length(a) + 1) ^ 2);
  -- Each slip breaks one of these at most, or two that are neighbours.
  part constant int := greatest(1, length(a) / 4);
  parts constant text[] := array(select substr(a, 1 + i * part, part) from generate_series(0, 3) i order by i);
  slips constant text[] := one_slip_of(a);
  likely record;
  distance int;
  best text;
  best_distance int := limit_distance + 1;
begin
  if coalesce(length(a), 0) = 0 or cardinality(candidates) is null then return null; end if;
  select l.place into likely from unnest(lowered) with ordinality l(b, place) where l.b = any(slips) order by l.b collate "C" limit 1;
  if found then return candidates[likely.place]; end if;
  for likely in
    select u.b, u.place
    from (
      select l.b, l.place
      from unnest(lowered) with ordinality l(b, place)
      where abs(length(l.b) - length(a)) <= limit_distance
      order by (strpos(l.b, parts[1]) > 0)::int + (strpos(l.b, parts[2]) > 0)::int + (strpos(l.b, parts[3]) > 0)::int
        + (strpos(l.b, parts[4]) > 0)::int desc
      limit 400) u
    -- Letters of one that the other does not have: each is a slip of its own.
    order by greatest(length(translate(u.b, a, '')), length(translate(a, u.b, ''))), abs(length(u.b) - length(a)), u.b collate "C"
    limit at_most
  loop
    distance := levenshtein_distance(a, left(likely.b, 40));
    if distance < best_distance then
      best_distance := distance;
      best := candidates[likely.place];
    end if;
  end loop;
  return best;
end $$;
comment on function nearest is 'A word that is near another, the nearest as a rule; null when none is near.';
