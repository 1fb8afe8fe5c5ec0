create or replace function nearest(word text, candidates text[]) returns text
language plpgsql immutable as $$
-- By Levenshtein distance, written out because the extension that has it is not installed everywhere; only error messages call it. Among
-- ten thousand names it would take seconds, so first those are looked up that one slip makes, and then the few are compared that have
-- nearly the same letters. Core's NearestName does the same for rows that the program reads; its remarks say why both are needed.
declare
  -- Letters of English alone are taken for equal in any case, which is quicker than the rules of all languages.
  a constant text := lower(left(word, 40) collate "C");
  -- Further away than half the word is no help.
  limit_distance constant int := greatest(2, length(a) / 2);
  -- The comparison of two words takes as many steps as their lengths make together.
  at_most constant int := greatest(4, 6000 / (length(a) + 1) ^ 2);
  slips constant text[] := one_slip_of(a);
  candidate text;
  distance int;
  best text;
  best_distance int := limit_distance + 1;
begin
  if coalesce(length(a), 0) = 0 or cardinality(candidates) is null then return null; end if;
  select c into best from unnest(candidates) c where lower(left(c, 41) collate "C") = any(slips) order by c limit 1;
  if found then return best; end if;
  for candidate in
    select c
    from (
      select c, b, slips_in_b
      from unnest(candidates) c
      cross join lateral (select lower(left(c, 40) collate "C") as b offset 0) l
      cross join lateral (select length(translate(b, a, '')) as slips_in_b offset 0) t
      where abs(length(b) - length(a)) <= limit_distance
      order by slips_in_b
      limit 400) likely
    -- Letters of one that the other does not have: each is a slip of its own.
    order by greatest(slips_in_b, length(translate(a, b, ''))), abs(length(b) - length(a)), c collate "C"
    limit at_most
  loop
    distance := levenshtein_distance(a, lower(left(candidate, 40) collate "C"));
    if distance < best_distance then
      best_distance := distance;
      best := candidate;
    end if;
  end loop;
  return best;
end $$;
comment on function nearest is 'A word that is near another, the nearest as a rule; null when none is near.';
