create or replace function check_job(element jsonb, place text) returns checked_job
language plpgsql volatile as $$
declare
  fields constant text[] := array['prompt', 'negative_prompt', 'model', 'adapters', 'width', 'height', 'steps', 'sampler', 'guidance_scale',
    'guidance_rescale', 'start_image', 'strength', 'seed', 'format', 'clip_skip', 'priority', 'run_at', 'deadline', 'campaign', 'max_attempts', 'tags', 'idempotency_key'];
  known models;
  wanted text;
  job checked_job;
  adapters jsonb := element -> 'adapters';
begin
  if jsonb_typeof(element) <> 'object' then
    perform refuse(place, null, format('expected a job object such as {"prompt": "a red cube"}, got %s.', shown(element)));
  end if;
  if element - fields <> '{}' then
    select key into wanted from jsonb_object_keys(element - fields) key limit 1;
    perform refuse(place, wanted, 'there is no such field.' || did_you_mean(wanted, fields));
  end if;

  -- 1. What to draw
  job.prompt := coalesce(json_text(element, 'prompt', place, 0, 20000), '');
  job.negative_prompt := json_text(element, 'negative_prompt', place, 0, 20000);
  if strpos(job.prompt, '<lora:') > 0 then
    select p.rest, p.adapters into job.prompt, wanted from split_prompt(job.prompt) p;
    if wanted is not null then
      if coalesce(adapters, 'null') in ('null', '""') then adapters := '[]'; end if;
      if jsonb_typeof(adapters) = 'string' then adapters := to_jsonb(string_to_array(adapters #>> '{}', '+')); end if;
      -- Anything but a list is refused below, where adapters are checked.
      if jsonb_typeof(adapters) = 'array' then adapters := adapters || to_jsonb(string_to_array(wanted, '+')); end if;
    end if;
  end if;

  -- 2. With what
  wanted := json_text(element, 'model', place, 1, 100);
  if wanted is null then
    select * into known from models m order by m.id limit 1;
    if not found then
      perform refuse(place, 'model', 'no model is registered yet. Register one with: batchgen models add FOLDER');
    elsif exists (select from models m where m.id <> known.id) then
      perform refuse(place, 'model', format('several models are registered, name one: %s.',
        (select string_agg(m.name, ', ' order by m.name) from (select name from models order by name limit 20) m)));
    end if;
  else
    select * into known from models m where m.name_key = lower(wanted);
    if not found then
      perform refuse(place, 'model', format('no model ''%s'' is registered.', wanted)
        || did_you_mean(wanted, array(select m.name from models m order by m.name limit 2000))
        || ' Register it with: batchgen models add FOLDER');
    end if;
  end if;
  job.model_id := known.id;
  job.signature := canonical_signature(known.name, known.family, adapters, place);

  job.width := coalesce(json_whole(element, 'width', place, 64, 2048), known.native_width);
  job.height := coalesce(json_whole(element, 'height', place, 64, 2048), known.native_height);
  if job.width % 8 <> 0 then
    perform refuse(place, 'width', format('expected a multiple of 8, got %s; the nearest is %s.', job.width, round(job.width / 8.0) * 8));
  end if;
  if job.height % 8 <> 0 then
    perform refuse(place, 'height', format('expected a multiple of 8, got %s; the nearest is %s.', job.height, round(job.height / 8.0) * 8));
  end if;
  job.steps := coalesce(json_whole(element, 'steps', place, 1, 1000), 20);

  job.sampler := coalesce(json_text(element, 'sampler', place, 1, 100), 'ddim');
  if not exists (select from samplers s where s.name = job.sampler) then
    wanted := job.sampler;
    select s.name into job.sampler from samplers s where s.name = lower(wanted);
    if not found then
      perform refuse(place, 'sampler', format('there is no sampler ''%s''; use one of: %s.', wanted,
        (select string_agg(s.name, ', ' order by s.position) from samplers s)));
    end if;
  end if;

  job.guidance_scale := coalesce(json_number(element, 'guidance_scale', place, 0, 100), 7.5);
  job.guidance_rescale := coalesce(json_number(element, 'guidance_rescale', place, 0, 1), 0);

  job.start_image := json_text(element, 'start_image', place, 1, 200);
  if not is_start_image_name(job.start_image) then
    perform refuse(place, 'start_image', format('expected the name of a picture below the start image folder, such as "cats/1.png", got %s.', shown(element -> 'start_image'))
      || ' Put the picture there; batchgen submit --start-image FILE and POST /api/v1/start-images do so and give it a name.');
  end if;
  job.strength := json_number(element, 'strength', place, 0, 1);
  if job.strength is not null and job.start_image is null then
    perform refuse(place, 'strength', 'it says how much of a start image is drawn anew, and the job has none; name a start_image, or leave strength out.');
  end if;
  if job.start_image is not null then
    job.strength := coalesce(job.strength, 0.8);
    -- As the renderer counts them, rounded down.
    if floor(job.steps * job.strength) < 1 then
      perform refuse(place, 'strength', format('%s of %s steps leaves no step to take; use a higher strength or more steps.', job.strength, job.steps));
    end if;
  end if;

  -- Below 2^32 as other tools draw them, so that a seed read off a picture can be typed there.
  job.seed := coalesce(json_whole(element, 'seed', place, -9223372036854775808, 9223372036854775807), floor(random() * 4294967296)::bigint);
  job.format := lower(coalesce(json_text(element, 'format', place, 1, 20), 'png'));
  if job.format not in ('png', 'webp', 'jpeg') then
    perform refuse(place, 'format', format('expected png, webp or jpeg, got %s.', shown(element -> 'format')));
  end if;
  job.clip_skip := coalesce(json_whole(element, 'clip_skip', place, 0, 11), 0);

  -- 3. When and for whom
  job.priority := coalesce(json_whole(element, 'priority', place, -100, 100), 0);
  job.max_attempts := coalesce(json_whole(element, 'max_attempts', place, 1, 100), 3);
  job.run_at := json_instant(element, 'run_at', place);
  job.deadline := json_instant(element, 'deadline', place);
  if job.deadline <= greatest(job.run_at, clock_timestamp()) then
    perform refuse(place, 'deadline', format('expected an instant after now and after run_at, got %s; the job could never run.', shown(element -> 'deadline')));
  end if;
  job.campaign := json_text(element, 'campaign', place, 1, 200);
  job.idempotency_key := json_text(element, 'idempotency_key', place, 1, 200);
  if coalesce(element -> 'tags', 'null') <> 'null' then
    if jsonb_typeof(element -> 'tags') <> 'array' or jsonb_array_length(element -> 'tags') > 32 then
      perform refuse(place, 'tags', format('expected a list of at most 32 words, got %s.', shown(element -> 'tags')));
    end if;
    if exists (select from jsonb_array_elements(element -> 'tags') t
      where jsonb_typeof(t.value) <> 'string' or char_length(t.value #>> '{}') not between 1 and 100) then
      perform refuse(place, 'tags', format('expected words of 1 to 100 characters, got %s.', shown(element -> 'tags')));
    end if;
    job.tags := nullif(array(select jsonb_array_elements_text(element -> 'tags')), '{}');
  end if;
  return job;
end $$;
comment on function check_job is 'Checks every rule about one job request and fills in the defaults.';
