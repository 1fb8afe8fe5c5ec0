create or replace function check_job(element jsonb, place text) returns checked_job
language plpgsql volatile as $$
-- The rules of single fields are written from their declaration (job_fields.sql); here stand those that tie fields together.
declare
  job jsonb := element;
  adapters jsonb := element -> 'adapters';
  of_model models;
  unknown text;
  split record;
  checked checked_job;
begin
  if jsonb_typeof(job) <> 'object' then
    perform refuse(place, null, format('expected a job object such as {"prompt": "a red cube"}, got %s.', shown(job)));
  end if;
  if job - job_field_names() <> '{}' then
    select key into unknown from jsonb_object_keys(job - job_field_names()) key limit 1;
    perform refuse(place, unknown, 'there is no such field.' || did_you_mean(unknown, job_field_names()));
  end if;

  -- 1. With what: adapters written into the prompt move to the others.
  if holds_adapters(job) then
    split := split_prompt(job ->> 'prompt');
    adapters := merged_adapters(adapters, split.adapters);
    job := job || jsonb_build_object('prompt', split.rest);
  end if;
  of_model := find_model(job, place);

  -- 2. What is drawn, when, and for whom
  checked := checked_dispatch(job, place);
  checked.recipe := checked_recipe(job, of_model, place);
  checked.model_id := of_model.id;
  checked.signature := canonical_signature(of_model, adapters, place);
  perform check_start_steps(checked.recipe, place);
  if has_control_character(checked.campaign) then
    perform refuse(place, 'campaign', format('a name has no control characters, such as tabs and ends of lines, got %s; leave them out.',
      shown(job -> 'campaign')));
  end if;
  if not fits_address(checked.campaign) then
    perform refuse(place, 'campaign', format('a name has no blanks at its ends, and is neither ''.'' nor ''..'', got %s; choose one that '
      'an address can hold.', shown(job -> 'campaign')));
  end if;
  if checked.deadline <= greatest(checked.run_at, clock_timestamp()) then
    perform refuse(place, 'deadline',
      format('expected an instant after now and after run_at, got %s; the job could never run.', shown(job -> 'deadline')));
  end if;
  return checked;
end $$;
comment on function check_job is 'Checks every rule about one job request and fills in the defaults.';
