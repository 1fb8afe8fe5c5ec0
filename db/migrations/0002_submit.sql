-- Submitting: every rule about a job is checked here, so that all producers, in any language, get the same answer.
-- Errors carry SQLSTATE BG001, the message names element and field, and the detail is JSON with both.

create type checked_job as (
  model_id int,
  priority smallint,
  campaign text,
  run_at timestamptz,
  deadline timestamptz,
  max_attempts smallint,
  signature text,
  seed bigint,
  guidance_scale double precision,
  guidance_rescale double precision,
  strength double precision,
  width smallint,
  height smallint,
  steps smallint,
  clip_skip smallint,
  format text,
  sampler text,
  prompt text,
  negative_prompt text,
  start_image text,
  tags text[],
  idempotency_key text
);
comment on type checked_job is 'A job request after every rule was checked and every default filled in.';

create function refuse(place text, field text, problem text) returns void
language plpgsql as $$
begin
  raise exception using
    errcode = 'BG001',
    message = case when field is null then place else place || '.' || field end || ': ' || problem,
    detail = jsonb_build_object('element', place, 'field', field)::text;
end $$;
comment on function refuse is 'Raises the one error that says which element and field was wrong, what was expected and what to do.';

create function nearest(word text, candidates text[]) returns text
language plpgsql immutable as $$
-- Levenshtein distance, written out because the extension that has it is not installed everywhere; only error messages call it.
declare
  a text := lower(left(word, 40));
  b text;
  candidate text;
  best text;
  best_distance int := 2147483647;
  previous int[];
  current int[];
begin
  foreach candidate in array coalesce(candidates, '{}') loop
    b := lower(left(candidate, 40));
    previous := array(select generate_series(0, length(b)));
    for i in 1 .. length(a) loop
      current := array[i];
      for j in 1 .. length(b) loop
        current := current || least(
          current[j] + 1, previous[j + 1] + 1,
          previous[j] + case when substr(a, i, 1) = substr(b, j, 1) then 0 else 1 end);
      end loop;
      previous := current;
    end loop;
    if previous[length(b) + 1] < best_distance then
      best_distance := previous[length(b) + 1];
      best := candidate;
    end if;
  end loop;
  -- Further away than half the word is no help.
  return case when best_distance <= greatest(2, length(a) / 2) then best end;
end $$;

create function did_you_mean(word text, candidates text[]) returns text
language sql immutable as $$
  select coalesce(' Did you mean ''' || nearest(word, candidates) || '''?', '')
$$;

create function shown(value jsonb) returns text
language sql immutable as $$
  select case when length(value::text) > 60 then left(value::text, 57) || '...' else value::text end
$$;

create function json_whole(element jsonb, field text, place text, low numeric, high numeric) returns bigint
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
  number numeric;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then
    number := value::numeric;
    if number = trunc(number) and number between low and high then return number::bigint; end if;
  end if;
  perform refuse(place, field, format('expected a whole number from %s to %s, got %s.', low, high, shown(value)));
  return null;
end $$;

create function json_number(element jsonb, field text, place text, low numeric, high numeric) returns double precision
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'number' then
    -- Rounded, because a number too small for double precision would be an error of another kind.
    if value::numeric between low and high then return round(value::numeric, 20); end if;
  end if;
  perform refuse(place, field, format('expected a finite number from %s to %s, got %s.', low, high, shown(value)));
  return null;
end $$;

create function json_text(element jsonb, field text, place text, shortest int, longest int) returns text
language plpgsql immutable as $$
declare
  value jsonb := element -> field;
  content text;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) <> 'string' then
    perform refuse(place, field, format('expected text, got %s.', shown(value)));
  end if;
  content := element ->> field;
  if char_length(content) not between shortest and longest then
    perform refuse(place, field, format('expected %s to %s characters, got %s; shorten it.', shortest, longest, char_length(content)));
  end if;
  return content;
end $$;

create function json_instant(element jsonb, field text, place text) returns timestamptz
language plpgsql stable as $$
declare
  value jsonb := element -> field;
  instant timestamptz;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'string' then
    begin
      instant := (element ->> field)::timestamptz;
      if isfinite(instant) then return instant; end if;
    exception when data_exception then
      null; -- falls through to the one message below
    end;
  end if;
  perform refuse(place, field, format('expected an instant such as "2026-01-31T22:00:00Z", got %s.', shown(value)));
  return null;
end $$;

create function checked_strength(value jsonb, place text, field text) returns numeric
language plpgsql immutable as $$
declare
  number numeric;
begin
  if jsonb_typeof(value) = 'number' then
    number := value::numeric;
  elsif jsonb_typeof(value) = 'string' then
    begin
      number := (value #>> '{}')::numeric;
    exception when data_exception then
      number := 'NaN';
    end;
  end if;
  -- A NaN compares above every number in SQL, so it fails the range like an infinity does.
  if number is null or not (number between -16 and 16) then
    perform refuse(place, field, format('expected a finite number from -16 to 16, got %s.', shown(value)));
  end if;
  return round(number, 4);
end $$;
comment on function checked_strength is 'A strength, rounded to four decimals half away from zero as Core''s AdapterSignature does.';

create function strength_text(strength numeric) returns text
language sql immutable as $$
  select trim_scale(strength)::text
$$;

create function spelled_adapter(spelling text, place text) returns jsonb
language plpgsql immutable as $$
-- name, name@0.8, name@0.8:0.5 or name@0.8[1,0,0.5], as a signature spells it.
declare
  parts text[];
begin
  parts := regexp_match(btrim(spelling), '^([^@:\[\]]+?)\s*(?:@\s*([^:\[\]]+?)\s*(?::\s*([^:\[\]]+?)\s*)?(?:\[([^\[\]]*)\]\s*)?)?$');
  if parts is null then
    perform refuse(place, null, format('%s is not an adapter; write name, name@0.8 or name@0.8:0.5.', shown(to_jsonb(spelling))));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'name', btrim(parts[1]), 'strength', parts[2], 'text_encoder_strength', parts[3],
    'block_strengths', case when parts[4] is not null then to_jsonb(string_to_array(replace(parts[4], ' ', ''), ',')) end));
end $$;

create function canonical_signature(model text, model_family text, adapters jsonb, place text) returns text
language plpgsql stable as $$
-- The same text as Core's AdapterSignature: model|name@strength+name@strength, adapters in byte order of their registered names.
declare
  list jsonb := adapters;
  item jsonb;
  item_place text;
  index int := -1;
  known adapters;
  strength numeric;
  text_encoder numeric;
  blocks numeric[];
  names text[] := '{}';
  pieces text[] := '{}';
  piece text;
begin
  if list is null or list = 'null' or list = '[]' or list = '""' then return model || '|'; end if;
  if jsonb_typeof(list) = 'string' then list := to_jsonb(string_to_array(list #>> '{}', '+')); end if;
  if jsonb_typeof(list) <> 'array' then
    perform refuse(place, 'adapters', format('expected a list such as [{"name": "ink", "strength": 0.8}], got %s.', shown(list)));
  end if;
  if jsonb_array_length(list) > 32 then
    perform refuse(place, 'adapters', format('expected at most 32 adapters, got %s.', jsonb_array_length(list)));
  end if;

  for item in select value from jsonb_array_elements(list) loop
    index := index + 1;
    item_place := place || '.adapters[' || index || ']';
    if jsonb_typeof(item) = 'string' then item := spelled_adapter(item #>> '{}', item_place); end if;
    if jsonb_typeof(item) <> 'object' then
      perform refuse(item_place, null, format('expected an object such as {"name": "ink", "strength": 0.8}, got %s.', shown(item)));
    end if;
    if item - array['name', 'strength', 'text_encoder_strength', 'block_strengths'] <> '{}' then
      select key into piece from jsonb_object_keys(item - array['name', 'strength', 'text_encoder_strength', 'block_strengths']) key limit 1;
      perform refuse(item_place, piece, 'there is no such field.'
        || did_you_mean(piece, array['name', 'strength', 'text_encoder_strength', 'block_strengths']));
    end if;
    if item ->> 'name' is null then
      perform refuse(item_place, 'name', 'expected the name of a registered adapter; the field is missing.');
    end if;
    select * into known from adapters a where a.name_key = lower(item ->> 'name');
    if not found then
      perform refuse(item_place, 'name', format('no adapter ''%s'' is registered.', item ->> 'name')
        || did_you_mean(item ->> 'name', array(select a.name from adapters a order by a.name limit 2000))
        || ' Register it with: batchgen adapters add FILE');
    end if;
    if known.family <> '' and known.family <> model_family then
      perform refuse(item_place, 'name', format('adapter ''%s'' fits %s models, and ''%s'' is %s; use another adapter or model.',
        known.name, known.family, model, model_family));
    end if;
    if known.name = any(names) then
      perform refuse(item_place, 'name', format('adapter ''%s'' is named twice; add its strengths into one entry.', known.name));
    end if;

    strength := case when coalesce(item -> 'strength', 'null') = 'null' then 1 else checked_strength(item -> 'strength', item_place, 'strength') end;
    text_encoder := case when coalesce(item -> 'text_encoder_strength', 'null') = 'null' then strength
      else checked_strength(item -> 'text_encoder_strength', item_place, 'text_encoder_strength') end;
    piece := known.name || '@' || strength_text(strength);
    if text_encoder <> strength then piece := piece || ':' || strength_text(text_encoder); end if;
    if coalesce(item -> 'block_strengths', 'null') <> 'null' then
      if jsonb_typeof(item -> 'block_strengths') <> 'array' or jsonb_array_length(item -> 'block_strengths') not in (12, 17, 20, 26) then
        perform refuse(item_place, 'block_strengths', format('expected a list of 12, 17, 20 or 26 numbers, got %s.', shown(item -> 'block_strengths')));
      end if;
      -- Each count is a layout of one kind of UNet; 26 lists the blocks of every kind. The renderer has the same rule.
      if jsonb_array_length(item -> 'block_strengths') = any(case when model_family = 'sdxl' then '{17}' else '{12,20}' end::int[]) then
        perform refuse(item_place, 'block_strengths', format('expected %s numbers for %s models, got %s.',
          case when model_family = 'sdxl' then '12, 20 or 26' else '17 or 26' end, model_family, jsonb_array_length(item -> 'block_strengths')));
      end if;
      select array_agg(checked_strength(value, item_place, 'block_strengths[' || n - 1 || ']') order by n) into blocks
      from jsonb_array_elements(item -> 'block_strengths') with ordinality b(value, n);
      if 1 <> any(blocks) then
        piece := piece || '[' || (select string_agg(strength_text(b), ',' order by n) from unnest(blocks) with ordinality u(b, n)) || ']';
      end if;
    end if;
    names := names || known.name;
    pieces := pieces || piece;
  end loop;

  piece := model || '|' || (
    select string_agg(p, '+' order by n collate "C")
    from unnest(names, pieces) u(n, p));
  -- An index entry holds little more.
  if octet_length(piece) > 2500 then
    perform refuse(place, 'adapters', format('expected names and strengths that take at most 2500 bytes together, got %s; use fewer adapters, shorter names or fewer digits.', octet_length(piece)));
  end if;
  return piece;
end $$;
comment on function canonical_signature is 'The signature text of a model and adapters in any spelling and order.';

create function split_prompt(prompt text, out rest text, out adapters text)
language sql immutable as $$
-- Adapters written into the prompt as other tools do: <lora:name>, <lora:name:0.8>, <lora:name:0.8:0.5> (UNet, text encoder), <lora:name:te=0.5:unet=0.8>,
-- <lora:name:0.8:lbw=1,0,0.5> (per block). They come back spelled as in a signature, the prompt without them.
  select btrim(regexp_replace(prompt, '\s*<lora:[^<>]*>', '', 'g')),
    (select string_agg(
        parts[1]
        || '@' || coalesce(substr(named_unet, 6), placed[1], '1')
        || coalesce(':' || coalesce(substr(named_text, 4), placed[2]), '')
        || coalesce('[' || substr(named_blocks, 5) || ']', ''), '+' order by n)
      from regexp_matches(prompt, '<lora:([^<>]*)>', 'g') with ordinality found(groups, n)
      cross join lateral string_to_array(groups[1], ':') parts
      cross join lateral (
        select array_agg(p order by i) filter (where p not like '%=%') as placed,
          max(p) filter (where p like 'unet=%') as named_unet, max(p) filter (where p like 'te=%') as named_text, max(p) filter (where p like 'lbw=%') as named_blocks
        from unnest(parts[2:]) with ordinality u(p, i)) split)
$$;
comment on function split_prompt is 'Takes <lora:name:unet:text_encoder> out of a prompt.';

create function check_job(element jsonb, place text) returns checked_job
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
    perform refuse(place, 'strength', 'it says how much of a start picture is drawn anew, and the job has none; name a start_image, or leave strength out.');
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

create function find_tenant(wanted text) returns tenants
language plpgsql stable as $$
declare
  found_tenant tenants;
begin
  select * into found_tenant from tenants t where t.name_key = lower(coalesce(wanted, 'default'));
  if not found then
    perform refuse('tenant', null, format('there is no tenant ''%s''.', wanted)
      || did_you_mean(wanted, array(select t.name from tenants t order by t.name limit 2000)));
  end if;
  return found_tenant;
end $$;

create function caller_tenant(wanted text) returns int
language plpgsql stable security definer set search_path from current as $$
-- Whose jobs the session may act on: a role bound to a tenant on that tenant's; members of the owner (and readers and workers) on everybody's, which is null.
declare
  bound text;
begin
  if to_regclass('tenant_roles') is not null then
    select t.name into bound from tenant_roles r join tenants t on t.id = r.tenant_id where r.role_name = session_user;
  end if;
  if bound is null and exists (
    -- Inside a function of the owner, current_user is the owner.
    select from pg_roles r
    where r.rolname in (current_user, 'batchgen_reader', 'batchgen_worker') and pg_has_role(session_user, r.oid, 'member'))
  then
    return case when wanted is not null then (find_tenant(wanted)).id end;
  end if;
  bound := coalesce(bound, 'default');
  if wanted is not null and lower(wanted) <> lower(bound) then
    perform refuse('tenant', null, format('role ''%s'' acts for tenant ''%s'' only; leave the tenant out.', session_user, bound));
  end if;
  return (find_tenant(bound)).id;
end $$;
comment on function caller_tenant is 'The tenant this session acts for; null means all.';

create function owner_of_submit(wanted text) returns tenants
language sql stable as $$
  select t from tenants t where t.id = coalesce(caller_tenant(wanted), (find_tenant(null)).id)
$$;

create function notify_work(ready_lanes int[], always boolean) returns void
language plpgsql as $$
-- NOTIFY takes a lock that every committing notifier waits for, so a stream of single submits tells only when it may matter:
-- while another job of the lane that is just as new still waits, its submitter has told already. Polling covers the rare race.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  since constant timestamptz := clock_timestamp() - interval '200 ms';
begin
  if always or exists (
    select from unnest(ready_lanes) l(id)
    where not exists (
      select from jobs j
      where j.shelf = 'ready' and j.lane_id = l.id and j.run_at > since
      order by j.run_at desc limit 1))
  then
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
end $$;
comment on function notify_work is 'Wakes idle workers: channel SCHEMA_jobs.';

create function enqueue_jobs(checked checked_job[], tenant_id int, max_priority smallint) returns setof bigint
language plpgsql
-- One plan for any number of jobs: the arrays are zipped, never joined, and every look-up goes through a key.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  for_tenant constant int := enqueue_jobs.tenant_id;
  submitted_at constant timestamptz := clock_timestamp();
  fresh bigint[];
  final bigint[];
  lanes_of int[];
  campaigns_of int[];
  has_keys boolean;
  has_campaigns boolean;
  ready_lanes int[];
begin
  -- 1. Ids, and the lane of each job; lanes that are new are made
  select array_agg(nextval('jobs_id_seq')), coalesce(bool_or(c.idempotency_key is not null), false), coalesce(bool_or(c.campaign is not null), false)
  into fresh, has_keys, has_campaigns
  from unnest(checked) c;
  loop
    select array_agg((select l.id from lanes l where l.model_id = c.model_id and l.priority = least(c.priority, max_priority) and l.tenant_id = for_tenant) order by c.n)
    into lanes_of
    from (select u.model_id, u.priority, u.n from unnest(checked) with ordinality as u(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, n)) c;
    exit when array_position(lanes_of, null) is null;
    insert into lanes (model_id, priority, tenant_id)
    select distinct c.model_id, least(c.priority, max_priority), for_tenant from unnest(checked) c
    order by 1, 2
    on conflict do nothing;
  end loop;

  -- 2. Campaigns that are new
  if has_campaigns then
    insert into campaigns (tenant_id, name)
    select distinct for_tenant, c.campaign from unnest(checked) c
    where c.campaign is not null and not exists (select from campaigns k where k.tenant_id = for_tenant and k.name = c.campaign)
    order by 2
    on conflict do nothing;
    select array_agg(coalesce((select k.id from campaigns k where k.tenant_id = for_tenant and k.name = c.campaign), 0) order by c.n)
    into campaigns_of
    from (select u.campaign, u.n from unnest(checked) with ordinality as u(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, n)) c;
  end if;

  -- 3. Keys: the first submit of a key wins, also against one that has not committed yet (the insert waits for it).
  -- In key order, so that two bulk submits cannot wait for each other.
  final := fresh;
  if has_keys then
    insert into idempotency_keys (tenant_id, key, job_id)
    select distinct on (c.idempotency_key collate "C") for_tenant, c.idempotency_key, c.id
    from rows from (unnest(checked), unnest(fresh)) with ordinality as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, n)
    where c.idempotency_key is not null
    order by c.idempotency_key collate "C", n
    on conflict do nothing;
    select array_agg(coalesce((select k.job_id from idempotency_keys k where k.tenant_id = for_tenant and k.key = c.idempotency_key), c.id) order by n)
    into final
    from rows from (unnest(checked), unnest(fresh)) with ordinality as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, n);
  end if;

  -- 4. Whom to wake, decided before the new rows are there
  select array_agg(distinct c.lane) into ready_lanes
  from rows from (unnest(checked), unnest(lanes_of)) as c(
    model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
    sampler, prompt, negative_prompt, start_image, tags, idempotency_key, lane)
  where c.run_at is null or c.run_at <= submitted_at;
  if ready_lanes is not null then perform notify_work(ready_lanes, cardinality(checked) > 1); end if;

  -- 5. The jobs, neighbours of one signature side by side. A start time in the past counts as now: it must not let a job overtake those that waited.
  with fresh_jobs as (
    insert into jobs (id, run_at, deadline, lane_id, campaign_id, max_attempts, shelf, signature)
    overriding system value
    -- One microsecond apart, in the order they are written: the floor that claims remember must tell jobs of one call apart.
    select c.id, case when c.run_at > submitted_at then c.run_at
        else submitted_at + row_number() over (order by c.lane, c.signature collate "C", c.id) * interval '1 microsecond' end, c.deadline, c.lane, coalesce(c.campaign_id, 0), c.max_attempts,
      case when c.run_at > submitted_at then 'scheduled' else 'ready' end, c.signature
    from rows from (unnest(checked), unnest(fresh, final, lanes_of, campaigns_of)) as c(
      model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
      sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, final_id, lane, campaign_id)
    where c.id = c.final_id
    order by c.lane, c.signature collate "C", c.id
    returning lane_id, campaign_id),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select lane_id, campaign_id, 'queued', count(*) from fresh_jobs group by lane_id, campaign_id)
  insert into job_recipes (
    job_id, created_at, seed, guidance_scale, guidance_rescale, strength, tenant_id, campaign_id, width, height, steps, clip_skip, format, sampler, prompt, negative_prompt, start_image, tags)
  select c.id, submitted_at, c.seed, c.guidance_scale, c.guidance_rescale, c.strength, for_tenant, coalesce(c.campaign_id, 0), c.width, c.height, c.steps, c.clip_skip, c.format, c.sampler,
    c.prompt, c.negative_prompt, c.start_image, c.tags
  from rows from (unnest(checked), unnest(fresh, final, campaigns_of)) as c(
    model_id, priority, campaign, run_at, deadline, max_attempts, signature, seed, guidance_scale, guidance_rescale, strength, width, height, steps, clip_skip, format,
    sampler, prompt, negative_prompt, start_image, tags, idempotency_key, id, final_id, campaign_id)
  where c.id = c.final_id
  order by c.signature collate "C", c.id;

  return query select unnest(final);
end $$;
comment on function enqueue_jobs is 'Writes checked jobs; returns one id each, that of the first job of its idempotency key.';

create function submit_jobs(jobs jsonb, tenant text default null) returns setof bigint
language plpgsql security definer set search_path from current as $$
declare
  owner tenants;
  checked checked_job[];
begin
  if jobs is null or jsonb_typeof(jobs) <> 'array' then
    perform refuse('jobs', null, format('expected a JSON array of job objects, got %s; put [ ] around a single job, or call submit_job.', coalesce(shown(jobs), 'null')));
  end if;
  owner := owner_of_submit(tenant);
  select array_agg(c order by n) into checked
  from jsonb_array_elements(jobs) with ordinality e(element, n)
  cross join lateral check_job(e.element, 'jobs[' || n - 1 || ']') c;
  if checked is null then return; end if;
  return query select enqueue_jobs(checked, owner.id, owner.max_priority);
end $$;
comment on function submit_jobs is 'Submits all jobs or none; one id per element, in order. Fields: docs/sql-api.md.';

create function submit_job(job jsonb, tenant text default null) returns bigint
language plpgsql security definer set search_path from current as $$
begin
  return (select submit_jobs(jsonb_build_array(job), tenant));
end $$;
comment on function submit_job is 'Submits one job; returns its id.';
