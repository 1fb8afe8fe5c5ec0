create or replace procedure apply_grants()
language plpgsql as $$
-- Run after every migration: functions start out executable by everybody.
declare
  home constant text := current_schema();
  -- Who acts for whom, prompts on their way in, and what people and programs log in with. Those that a later migration makes may be missing yet.
  secret constant text := (
    select string_agg(format('%I.%I', home, t), ', ') from unnest(array['tenant_roles', 'staged_jobs', 'accounts', 'api_keys']) t
    where to_regclass(format('%I.%I', home, t)) is not null);
  role name;
begin
  execute format('revoke all on schema %I from public', home);
  execute format('revoke execute on all functions in schema %I from public', home);
  execute format('revoke execute on all procedures in schema %I from public', home);
  for role in select rolname from pg_roles where rolname in ('batchgen_submitter', 'batchgen_worker', 'batchgen_reader') loop
    execute format('grant usage on schema %I to %I', home, role);
    execute format('grant select on samplers, available_models, available_adapters, results to %I', role);
    execute format('grant execute on function job_status(bigint[]), caller_tenant(text) to %I', role);
    if role = 'batchgen_submitter' then
      execute format('grant execute on function submit_job(jsonb, text), submit_jobs(jsonb, text), submit_staged(text, text), discard_staged(text), cancel_jobs(bigint[], text), retry_jobs(bigint[], text), retry_failed(text, text, text, int), cancel_waiting(text, text, int), set_priority(bigint[], int) to %I', role);
      -- Not job_id, staged_by and staged_at: neither numbers nor identities are the producer's to choose.
      execute format('grant insert (load, recipe, model, adapters, campaign, priority, run_at, deadline, max_attempts, tags, idempotency_key) on staged_jobs to %I', role);
      execute format('grant usage on sequence jobs_id_seq to %I', role);
    else
      execute format('grant select on all tables in schema %I to %I', home, role);
      execute format('revoke select on %s from %I', secret, role);
      execute format('grant select on sequence requeues to %I', role);
      execute format('grant execute on function signature_backlog(text, int, int) to %I', role);
    end if;
    if role = 'batchgen_worker' then
      execute format('grant insert, update on workers to %I', role);
      execute format('grant insert on canaries to %I', role);
      execute format('grant execute on function claim_batch(uuid, text[], int, interval, interval, int, jsonb, bigint), heartbeat_batch(bigint, bigint, interval, int, int, int), complete_jobs(bigint, bigint, bigint[], text[], bigint[], text[], int[], int[], bigint[], text[]), fail_jobs(bigint, bigint, bigint[], text[], text[], interval, interval), end_batch(bigint, bigint, interval, text), rescue_expired(), fold_counts() to %I', role);
      execute format('grant execute on function record_checkpoint(uuid, bigint, bigint, text, text, text, text, text, text, int, bigint, text[], double precision, int, bigint, double precision) to %I', role);
    end if;
  end loop;
end $$;
comment on procedure apply_grants is 'Grants each role what it needs and takes from everybody what they get by default.';
