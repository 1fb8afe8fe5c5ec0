create or replace procedure apply_settings()
language plpgsql as $$
-- Run after functions were put in, since that drops what they were set to. Each setting costs a little at every call, so only the
-- outermost functions of a call have them, and parts of a submit that run once for many jobs; they hold for whatever these call in turn.
declare
  home constant text := current_schema();
  -- Of calls on hot paths: planned once, by keys. A plan made while the tables were empty, or for one lucky parameter, would read them
  -- whole later.
  by_keys constant text[] := array['plan_cache_mode = force_generic_plan', 'enable_seqscan = off', 'jit = off'];
  -- Of what workers write: they skip jobs that a producer has locked. What is left to wait for is short, or the call fails and is made
  -- again.
  of_workers constant text[] := by_keys || array['lock_timeout = ''5s'''];
  -- Of the claim: its probes are right at any size. A sort or a bitmap would read all of what waits for its first row.
  by_probes constant text[] := by_keys || array['enable_bitmapscan = off', 'enable_sort = off'];
  -- Of what pages list: the planner expects an average campaign, signature or day, and would read all of a large one for a page of fifty.
  by_pages constant text[] := array['enable_seqscan = off', 'enable_bitmapscan = off', 'jit = off'];
  -- Of a staged load: its table was filled a moment ago and has no statistics. Each load is planned for itself, hash joins are right, and a
  -- sort of a million rows should stay in memory.
  by_load constant text[] := array['plan_cache_mode = force_custom_plan', 'enable_mergejoin = off', 'enable_nestloop = off', 'jit = off',
    'work_mem = ''256MB'''];
  wanted record;
  setting text;
begin
  -- What is on a list no longer must lose its settings.
  for wanted in
    select p.oid::regprocedure as function from pg_proc p where p.pronamespace = home::regnamespace and p.proconfig is not null
  loop
    execute format('alter routine %s reset all', wanted.function);
  end loop;
  for wanted in
    select p.oid::regprocedure as function, s.name, s.settings
    from (
      select unnest(array['cancel_jobs', 'ended_jobs', 'enqueue_jobs', 'retry_jobs']), by_keys
      union all
      select unnest(array['complete_jobs', 'end_batch', 'fail_jobs', 'heartbeat_batch', 'record_checkpoint', 'rescue_expired',
        'take_back_attempts']), of_workers
      union all
      select 'claim_batch', by_probes
      union all
      select 'submit_staged', by_load
      union all
      -- Called within submit_staged: thousands of small queries of the same kind, which need no plan of their own.
      select unnest(array['staged_spellings', 'normalise_staged']), array['plan_cache_mode = auto']
      union all
      -- Called where something is refused. A list of words to look for is looked through by hashing when the plan knows it.
      select 'nearest', array['plan_cache_mode = force_custom_plan', 'jit = off']
      union all
      select unnest(array['drawn_since', 'ended_without_image', 'images_of_campaign', 'newer_image_of_campaign', 'newest_of_campaign',
        'signature_backlog', 'waiting_signatures']), by_pages) s(name, settings)
    left join pg_proc p on p.proname = s.name and p.pronamespace = home::regnamespace
  loop
    if wanted.function is null then
      raise exception 'Function % is missing, which has settings. Run as the owner of the schema: batchgen migrate', wanted.name;
    end if;
    foreach setting in array wanted.settings loop
      execute format('alter function %s set %s', wanted.function, setting);
    end loop;
  end loop;
  -- What runs with the owner's rights must find the owner's tables, whatever path the caller set.
  for wanted in select p.oid::regprocedure as function from pg_proc p where p.pronamespace = home::regnamespace and p.prosecdef loop
    execute format('alter routine %s set search_path = %I, pg_temp', wanted.function, home);
  end loop;
end $$;
comment on procedure apply_settings is 'Gives functions their planner settings, and those that run as the owner their search path.';
