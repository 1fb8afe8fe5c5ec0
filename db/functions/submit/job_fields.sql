-- Written by the test JobFieldFilesTests from the declaration of job fields, src/BatchGen.Core/Jobs/JobFields.cs: change
-- that, then run the test with BATCHGEN_WRITE_GENERATED=1. The functions beside this file use these.

create or replace function job_field_names() returns text[]
language sql immutable parallel safe as $$
  select array[
    'prompt', 'negative_prompt', 'model', 'adapters', 'width', 'height', 'steps', 'sampler', 'guidance_scale', 'format', 'seed',
    'start_image', 'strength', 'guidance_rescale', 'eta', 'clip_skip', 'prompt_syntax', 'noise_type', 'campaign', 'priority', 'run_at',
    'deadline', 'max_attempts', 'tags', 'idempotency_key'
  ]
$$;
comment on function job_field_names is
  'The fields that a job object may have.';

create or replace function recipe_field_names() returns text[]
language sql immutable parallel safe as $$
  select array[
    'prompt', 'negative_prompt', 'width', 'height', 'steps', 'sampler', 'guidance_scale', 'format', 'seed', 'start_image', 'strength',
    'guidance_rescale', 'eta', 'clip_skip', 'prompt_syntax', 'noise_type'
  ]
$$;
comment on function recipe_field_names is
  'The fields of a job object that make up its recipe.';

create or replace function sampler_choices() returns text[]
language sql immutable parallel safe as $$
  select array[
    'ddim', 'pndm', 'euler', 'euler_karras', 'euler_a', 'heun', 'heun_karras', 'dpmpp_2m', 'dpmpp_2m_karras', 'dpmpp_2m_sde',
    'dpmpp_2m_sde_karras', 'dpmpp_2s', 'dpmpp_2s_karras', 'kdpm2', 'kdpm2_karras', 'kdpm2_a', 'kdpm2_a_karras', 'lms', 'lms_karras',
    'unipc', 'unipc_karras', 'deis', 'ddpm', 'lcm', 'ddim_trailing', 'euler_trailing', 'euler_a_trailing', 'dpmpp_2m_trailing'
  ]
$$;
comment on function sampler_choices is
  'The names that a job''s sampler may have, in the order they are listed in.';

create or replace function format_choices() returns text[]
language sql immutable parallel safe as $$
  select array[
    'png', 'webp', 'jpeg'
  ]
$$;
comment on function format_choices is
  'The names that a job''s format may have, in the order they are listed in.';

create or replace function prompt_syntax_choices() returns text[]
language sql immutable parallel safe as $$
  select array[
    'weighted', 'plain'
  ]
$$;
comment on function prompt_syntax_choices is
  'The names that a job''s prompt_syntax may have, in the order they are listed in.';

create or replace function noise_type_choices() returns text[]
language sql immutable parallel safe as $$
  select array[
    'float32', 'compute_type'
  ]
$$;
comment on function noise_type_choices is
  'The names that a job''s noise_type may have, in the order they are listed in.';

create or replace function block_strength_counts(model_family text) returns int[]
language sql immutable parallel safe as $$
  select case model_family
    when 'sd15' then array[17, 26]
    when 'sd21' then array[17, 26]
    when 'sdxl' then array[12, 20, 26]
    else array[]::int[] end
$$;
comment on function block_strength_counts is
  'How many block strengths an adapter for a family may have: one for each block of its network, or of every kind of network.';

create or replace function max_adapters() returns int
language sql immutable parallel safe as $$
  select 32
$$;
comment on function max_adapters is
  'The most adapters that a job may have.';

create or replace function recipe_defaults(of_model models) returns jsonb
language sql stable parallel safe as $$
  select '{"prompt":"","steps":20,"sampler":"ddim","guidance_scale":7.5,"format":"png"}'::jsonb
    || jsonb_build_object('width', of_model.native_width, 'height', of_model.native_height)
$$;
comment on function recipe_defaults is
  'The values that a recipe for a model gets for fields that the job leaves out.';

create or replace function filled_recipe(recipe jsonb, defaults jsonb) returns jsonb
language sql volatile as $$
  select defaults || case
    when recipe ? 'seed' then recipe
    else recipe || jsonb_build_object('seed', floor(random() * 4294967296)::bigint)
  end
$$;
comment on function filled_recipe is
  'A recipe with defaults for the fields it leaves out. Seeds are drawn below 2^32, which other tools accept too.';

create or replace function recipe_is_plain(recipe jsonb) returns boolean
language sql immutable parallel safe as $$
  select case
    when recipe - array['prompt', 'negative_prompt', 'seed'] = '{}' then true
    else recipe - recipe_field_names() = '{}'
      and (not recipe ? 'width' or multiple_fits(recipe -> 'width', 64, 2048, 8))
      and (not recipe ? 'height' or multiple_fits(recipe -> 'height', 64, 2048, 8))
      and (not recipe ? 'steps' or whole_fits(recipe -> 'steps', 1, 1000))
      and (not recipe ? 'sampler' or choice_fits(recipe -> 'sampler', sampler_choices()))
      and (not recipe ? 'guidance_scale' or number_fits(recipe -> 'guidance_scale', 0, 100))
      and (not recipe ? 'format' or choice_fits(recipe -> 'format', format_choices()))
      and not recipe ? 'start_image'
      and not recipe ? 'strength'
      and (not recipe ? 'guidance_rescale' or number_fits(recipe -> 'guidance_rescale', 0, 1) and recipe -> 'guidance_rescale' <> '0')
      and not recipe ? 'eta'
      and (not recipe ? 'clip_skip' or whole_fits(recipe -> 'clip_skip', 0, 10) and recipe -> 'clip_skip' <> '0')
      and not recipe ? 'prompt_syntax'
      and not recipe ? 'noise_type'
    end
    and (not recipe ? 'prompt' or text_fits(recipe -> 'prompt', 0, 20000))
    and (not recipe ? 'negative_prompt' or text_fits(recipe -> 'negative_prompt', 0, 20000))
    and (not recipe ? 'seed' or whole_fits(recipe -> 'seed', -9223372036854775808, 9223372036854775807))
$$;
comment on function recipe_is_plain is
  'True when checked_recipe would fill in nothing but defaults; false decides nothing. Cheap.';

create or replace function checked_recipe(job jsonb, of_model models, place text) returns jsonb
language plpgsql volatile as $$
declare
  recipe jsonb := job - array[
    'model', 'adapters', 'campaign', 'priority', 'run_at', 'deadline', 'max_attempts', 'tags', 'idempotency_key'
  ];
begin
  if not recipe_is_plain(recipe) then
    recipe := jsonb_strip_nulls(jsonb_build_object(
      'prompt', json_text(job, 'prompt', place, 0, 20000),
      'negative_prompt', json_text(job, 'negative_prompt', place, 0, 20000),
      'width', json_whole(job, 'width', place, 64, 2048, 8),
      'height', json_whole(job, 'height', place, 64, 2048, 8),
      'steps', json_whole(job, 'steps', place, 1, 1000),
      'sampler', json_choice(job, 'sampler', place, sampler_choices()),
      'guidance_scale', json_number(job, 'guidance_scale', place, 0, 100),
      'format', json_choice(job, 'format', place, format_choices()),
      'seed', json_whole(job, 'seed', place, -9223372036854775808, 9223372036854775807),
      'start_image', json_start_image(job, 'start_image', place, 200),
      'strength', json_number(job, 'strength', place, 0, 1, true),
      'guidance_rescale', nullif(json_number(job, 'guidance_rescale', place, 0, 1), 0),
      'eta', nullif(json_number(job, 'eta', place, 0, 1), 0),
      'clip_skip', nullif(json_whole(job, 'clip_skip', place, 0, 11), 0),
      'prompt_syntax', nullif(json_choice(job, 'prompt_syntax', place, prompt_syntax_choices()), 'weighted'),
      'noise_type', nullif(json_choice(job, 'noise_type', place, noise_type_choices()), 'float32')));
    if recipe ? 'strength' and not recipe ? 'start_image' then
      perform refuse(place, 'strength', 'it needs a start_image, and the job has none; name one, or leave strength out.');
    end if;
    if recipe ? 'start_image' and not recipe ? 'strength' then
      recipe := recipe || '{"strength":0.8}';
    end if;
    if of_model.family = 'sdxl' and (recipe -> 'clip_skip')::numeric not between 0 and 10 then
      perform refuse(place, 'clip_skip', format('expected 0 to 10 for sdxl models such as ''%s'', got %s.',
        of_model.name, recipe ->> 'clip_skip'));
    end if;
  end if;
  recipe := filled_recipe(recipe, recipe_defaults(of_model));
  if not multiple_fits(recipe -> 'width', 64, 2048, 8) then
    perform refuse(place, 'width',
      format('the job leaves it out, and that of model ''%s'' is %s; give one from 64 to 2048, a multiple of 8.',
        of_model.name, recipe ->> 'width'));
  end if;
  if not multiple_fits(recipe -> 'height', 64, 2048, 8) then
    perform refuse(place, 'height',
      format('the job leaves it out, and that of model ''%s'' is %s; give one from 64 to 2048, a multiple of 8.',
        of_model.name, recipe ->> 'height'));
  end if;
  if recipe ? 'eta' and recipe ->> 'sampler' <> all(array['ddim', 'ddim_trailing']) then
    perform refuse(place, 'eta',
      format('only the samplers ddim, ddim_trailing use it, and the job''s is %s; leave it out.',
        recipe ->> 'sampler'));
  end if;
  return recipe;
end
$$;
comment on function checked_recipe is
  'The recipe part of a job object: every field checked, in its canonical form, with the defaults filled in.';

create or replace function default_priority() returns int
language sql immutable parallel safe as $$
  select 0::int
$$;
comment on function default_priority is
  'The priority of a job that names none.';

create or replace function default_max_attempts() returns int
language sql immutable parallel safe as $$
  select 3::int
$$;
comment on function default_max_attempts is
  'The max_attempts of a job that names none.';

create or replace function dispatch_is_plain(staged staged_jobs) returns boolean
language sql stable parallel safe as $$
  select (staged.campaign is null or char_length(staged.campaign) between 1 and 200)
    and (staged.priority is null or staged.priority between -100 and 100)
    and (staged.run_at is null or instant_fits(staged.run_at))
    and (staged.deadline is null or instant_fits(staged.deadline))
    and (staged.max_attempts is null or staged.max_attempts between 1 and 100)
    and (staged.tags is null or words_are_plain(staged.tags, 32, 100))
    and (staged.idempotency_key is null or char_length(staged.idempotency_key) between 1 and 200)
$$;
comment on function dispatch_is_plain is
  'True when checked_dispatch would refuse nothing of a staged row; false decides nothing.';

create or replace function checked_dispatch(job jsonb, place text) returns checked_job
language plpgsql stable as $$
declare
  checked checked_job;
begin
  checked.priority := default_priority();
  checked.max_attempts := default_max_attempts();
  if job ?| array[
    'campaign', 'priority', 'run_at', 'deadline', 'max_attempts', 'tags', 'idempotency_key'
  ] then
    checked.campaign := json_text(job, 'campaign', place, 1, 200);
    checked.priority := coalesce(json_whole(job, 'priority', place, -100, 100), default_priority());
    checked.run_at := json_instant(job, 'run_at', place);
    checked.deadline := json_instant(job, 'deadline', place);
    checked.max_attempts := coalesce(json_whole(job, 'max_attempts', place, 1, 100), default_max_attempts());
    checked.tags := json_words(job, 'tags', place, 32, 100);
    checked.idempotency_key := json_text(job, 'idempotency_key', place, 1, 200);
  end if;
  return checked;
end
$$;
comment on function checked_dispatch is
  'The part of a job object that dispatch, search and limits use: every field checked, with the defaults filled in.';
