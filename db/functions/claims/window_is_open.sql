create or replace function window_is_open(time_zone text, opens time, closes time, weekdays int[], instant timestamptz) returns boolean
language sql stable as $$
  -- Wall clock of the zone: where a day has 23 or 25 hours, the window still opens and closes when the clock on the wall says so.
  select case
    when opens = closes then extract(isodow from local)::int = any(weekdays)
    when opens < closes then local::time >= opens and local::time < closes and extract(isodow from local)::int = any(weekdays)
    else (local::time >= opens and extract(isodow from local)::int = any(weekdays))
      or (local::time < closes and extract(isodow from local - interval '1 day')::int = any(weekdays))
    end
  from (select instant at time zone time_zone) l(local)
$$;
comment on function window_is_open is 'Whether a dispatch window is open at an instant.';
