create or replace procedure apply_grants()
language plpgsql as $$
-- Run after functions were put in: they start out executable by everybody.
declare
  home constant text := current_schema();
  -- Who acts for whom, prompts on their way in, and what people and programs log in with
  secrets constant text[] := array['tenant_roles', 'staged_jobs', 'accounts', 'login_sessions', 'api_keys'];
  -- Whether the schema serves a program is asked by every command, also one that only submits.
  readable_by_all constant text[] := array['samplers', 'available_models', 'available_adapters', 'results', 'schema_migrations',
    'schema_functions', 'schema_version'];
  -- What views call is called with the reader's rights.
  callable_by_all constant text[] := array['job_status', 'ended_jobs', 'caller_tenant', 'sampler_choices', 'behind_barrier'];
  callable_by_submitters constant text[] := array[
    'submit_job', 'submit_jobs', 'submit_staged', 'discard_staged', 'cancel_jobs', 'retry_jobs', 'retry_failed', 'cancel_waiting',
    'set_priority', 'keep_start_image'];
  callable_by_readers constant text[] := array['signature_backlog', 'group_is_open', 'window_is_open'];
  callable_by_workers constant text[] := array[
    'claim_batch', 'heartbeat_batch', 'complete_jobs', 'fail_jobs', 'end_batch', 'rescue_expired', 'fold_counts', 'record_checkpoint',
    'note_lack', 'drop_lack', 'take_back_attempts'];
  -- Not what somebody else made in the schema: its owner alone may give and take rights to it, and nobody knows what it shows.
  relations constant text := (
    select string_agg(quote_ident(c.relname), ', ') from pg_class c
    where c.relnamespace = home::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_has_role(c.relowner, 'usage'));
  readable_by_staff constant text := (
    select string_agg(quote_ident(c.relname), ', ') from pg_class c
    where c.relnamespace = home::regnamespace and pg_has_role(c.relowner, 'usage') and (
      c.relkind in ('r', 'p') or c.relkind = 'v' and c.relname in (select f.name from schema_functions f where f.made = '{}')));
  sequences constant text := (
    select string_agg(quote_ident(c.relname), ', ') from pg_class c
    where c.relnamespace = home::regnamespace and c.relkind = 'S' and pg_has_role(c.relowner, 'usage'));
  routines constant text := (
    select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
    where p.pronamespace = home::regnamespace and pg_has_role(p.proowner, 'usage'));
  role name;
begin
  execute format('revoke all on schema %I from public', home);
  execute format('revoke execute on routine %s from public', routines);
  execute format('revoke all on table %s from public', relations);
  execute format('revoke all on sequence %s from public', sequences);
  for role in select rolname from pg_roles where rolname = any(queue_roles()) loop
    -- What is on a list no longer must be taken away, and so must what somebody gave besides.
    execute format('revoke all on schema %I from %I cascade', home, role);
    execute format('revoke all on routine %s from %I cascade', routines, role);
    execute format('revoke all on table %s from %I cascade', relations, role);
    execute format('revoke all on sequence %s from %I cascade', sequences, role);
    execute format('grant usage on schema %I to %I', home, role);
    execute format('grant select on %s to %I', array_to_string(readable_by_all, ', '), role);
    call grant_execute(callable_by_all, role);
    if role = 'batchgen_submitter' then
      call grant_execute(callable_by_submitters, role);
      -- Not job_id, staged_by and staged_at: neither numbers nor identities are the producer's to choose.
      execute format('grant insert (%s) on staged_jobs to %I', (
        select string_agg(quote_ident(a.attname), ', ') from pg_attribute a
        where a.attrelid = 'staged_jobs'::regclass and a.attnum > 0 and not a.attisdropped
          and a.attname not in ('job_id', 'staged_by', 'staged_at')), role);
      execute format('grant usage on sequence jobs_id_seq to %I', role);
    else
      execute format('grant select on table %s to %I', readable_by_staff, role);
      execute format('revoke select on %s from %I', array_to_string(secrets, ', '), role);
      execute format('grant select on sequence requeues to %I', role);
      call grant_execute(callable_by_readers, role);
    end if;
    if role = 'batchgen_worker' then
      execute format('grant insert, update on workers to %I', role);
      execute format('grant insert on canaries to %I', role);
      call grant_execute(callable_by_workers, role);
    end if;
  end loop;
end $$;
comment on procedure apply_grants is 'Grants each role what it needs and takes from everybody what they get by default.';
