create or replace function check_start_steps(recipe jsonb, place text) returns void
language plpgsql immutable as $$
begin
  -- Rounded down, as the renderer counts the steps it takes.
  if recipe ? 'start_image' and floor((recipe -> 'steps')::numeric * (recipe -> 'strength')::numeric) < 1 then
    perform refuse(place, 'strength', format('%s of %s steps leaves no step to take; use a higher strength or more steps.',
      recipe ->> 'strength', recipe ->> 'steps'));
  end if;
end $$;
comment on function check_start_steps is 'Refuses a start image whose strength leaves no step to take.';
