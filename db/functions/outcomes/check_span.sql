create or replace function check_span(place text, field text, span interval) returns void
language plpgsql immutable as $$
-- An instant so long from now would be beyond the years that an instant may have (instant_fits).
begin
  if span not between interval '-366 days' and interval '366 days' then
    perform refuse(place, field, format('expected at most 366 days, got %s.', span));
  end if;
end $$;
comment on function check_span is 'Refuses a span that a worker gives for a lease or a delay and that is longer than a year.';
