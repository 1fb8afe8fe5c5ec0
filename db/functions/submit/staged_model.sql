create or replace function staged_model(name text, place text) returns models
language plpgsql volatile as $$
declare
  of_model constant models := find_model(jsonb_build_object('model', nullif(name, '')), place);
begin
  -- Refuses a model whose native size no job may have. Rows that leave their size out get it without a further check.
  perform checked_recipe('{}', of_model, place);
  return of_model;
end $$;
comment on function staged_model is 'The model that staged rows name; an empty name means the only one registered.';
