create or replace function submit_staged(load text default '', tenant text default null) returns bigint
language plpgsql security definer as $$
#variable_conflict use_column
declare
  of_load constant text := submit_staged.load;
  owner constant tenants := owner_of_submit(submit_staged.tenant);
  submitted_at timestamptz;
  spelt record;
  staged record;
  left_out bigint := 0;
  submitted bigint;
  removed bigint;
begin
  -- 1. How many rows there are, which the end compares, and which steps have anything to do
  perform lock_load(of_load, session_user);
  submitted_at := clock_timestamp();
  select count(*) as rows, coalesce(bool_or(strpos(s.recipe ->> 'prompt', '<lora:') > 0), false) as adapters_in_prompts,
    count(s.campaign) > 0 as campaigns, count(s.idempotency_key) > 0 as keys,
    count(s.recipe ->> 'start_image') > 0 as start_images,
    coalesce(bool_or(not staged_is_plain(s, submitted_at)), false) as unusual
  into staged
  from staged_jobs s where s.load = of_load and s.staged_by = session_user;

  -- 2. Whether every row keeps the rules
  spelt := staged_spellings(of_load, staged.adapters_in_prompts);
  if staged.unusual then perform normalise_staged(of_load, submitted_at); end if;
  if staged.start_images then perform check_staged_start_images(of_load, owner); end if;

  -- 3. Dispatch groups, campaigns and keys, in this order, as enqueue_jobs makes them: two submits then cannot wait for each other.
  perform ensure_groups(spelt.model_ids, array(
    select capped_priority(p, owner.max_priority) from unnest(spelt.priorities) with ordinality u(p, n) order by n), owner.id);
  if staged.campaigns then
    perform ensure_campaigns(array(
      select distinct s.campaign from staged_jobs s where s.load = of_load and s.staged_by = session_user), owner.id);
  end if;
  if staged.keys then left_out := drop_known_keys(of_load, owner.id); end if;

  -- 4. The jobs
  submitted := store_jobs(owner, submitted_at, null, null, null, of_load, spelt.spellings);
  delete from staged_jobs s where s.load = of_load and s.staged_by = session_user;
  get diagnostics removed = row_count;
  -- Every statement above saw what was committed when it began: rows that came after the count missed a check or a key, and the delete
  -- would lose them.
  if submitted + left_out <> staged.rows or removed + left_out <> staged.rows then
    perform refuse('load', null, format('rows were added to load ''%s'' while it was being submitted, and nothing was submitted; '
      'submit again when nobody adds to it, or give each load a name of its own.', shortened(of_load, 100)));
  end if;
  if submitted > 0 then perform pg_notify(current_schema() || '_jobs', ''); end if;
  return submitted;
end $$;
comment on function submit_staged is
  'Submits the rows that this role staged under a load name, all or none; returns how many jobs are new. Rows whose idempotency key is '
  'known are left out.';
