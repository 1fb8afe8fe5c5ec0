create or replace function check_staged(staged staged_jobs, place text) returns checked_job
language plpgsql volatile as $$
declare
  misplaced text;
begin
  -- Empty texts count as left out, as staged_spellings takes them.
  staged.model := nullif(staged.model, '');
  if jsonb_typeof(staged.recipe) <> 'object' then
    perform refuse(place, 'recipe', format('expected an object such as {"prompt": "a red cube"}, got %s.', shown(staged.recipe)));
  end if;
  select key into misplaced
  from jsonb_object_keys(staged.recipe) key
  where key = any(job_field_names()) and key <> all(recipe_field_names())
  order by key
  limit 1;
  if misplaced is not null then
    perform refuse(place, misplaced, 'it stands in the recipe, and staged_jobs has a column for it; put it there.');
  end if;
  return check_job(
    staged.recipe || jsonb_strip_nulls(to_jsonb(staged) - array['job_id', 'staged_by', 'staged_at', 'load', 'recipe']), place);
end $$;
comment on function check_staged is 'Checks a staged row as check_job checks the object that it stands for.';
