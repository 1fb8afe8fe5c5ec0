create or replace function refuse(place text, field text, problem text) returns void
language plpgsql as $$
begin
  raise exception using
    errcode = 'BG001',
    message = case when field is null then place else place || '.' || shortened(field, 100) end || ': ' || problem,
    detail = jsonb_build_object('element', place, 'field', shortened(field, 100))::text;
end $$;
comment on function refuse is 'Raises the one error that says which element and field was wrong, what was expected and what to do.';
