create or replace function find_model(job jsonb, place text) returns models
language plpgsql stable as $$
declare
  wanted constant text := json_text(job, 'model', place, 1, 100);
  found_model models;
begin
  if wanted is not null then
    select * into found_model from models m where m.name_key = lower(wanted);
    if not found then
      perform refuse(place, 'model', format('no model ''%s'' is registered.', wanted)
        || did_you_mean(wanted, array(select m.name from models m))
        || ' Register it with: batchgen models add FOLDER');
    end if;
    return found_model;
  end if;

  select * into found_model from models m order by m.id limit 1;
  if not found then
    perform refuse(place, 'model', 'no model is registered yet. Register one with: batchgen models add FOLDER');
  elsif exists (select from models m where m.id <> found_model.id) then
    perform refuse(place, 'model', format('several models are registered, name one: %s.',
      (select string_agg(m.name, ', ' order by m.name) from (select name from models order by name limit 20) m)));
  end if;
  return found_model;
end $$;
comment on function find_model is 'The model that a job object names; without a name the only one registered.';
