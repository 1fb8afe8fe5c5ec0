create or replace function refuse_span(place text, field text, span interval) returns void
language plpgsql as $$
begin
  perform refuse(place, field, format('expected a span that ends within the years 1 to 9999, got %s.', span));
end $$;
comment on function refuse_span is 'Refuses a span of a worker, such as a lease, at whose end stands an instant that does not fit.';
