create or replace function retry_jobs(job_ids bigint[], tenant text default null) returns setof bigint
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  owner constant int := caller_tenant(tenant);
  these constant bigint[] := jobs_of(retry_jobs.job_ids, owner);
  returned bigint[];
begin
  with wanted as (
    select j.id, j.state from jobs j
    where j.id = any(these) and j.state in ('failed', 'cancelled')
    order by j.id for update),
  requeued as (
    update jobs j set
      state = 'queued', indexed_state = case when j.run_at > clock_timestamp() then 'scheduled' else 'ready' end, finished_at = null, batch_id = null, attempts = 0,
      batch_limit = 32767,
      -- Its age begins anew; a start time still to come holds.
      run_at = greatest(j.run_at, clock_timestamp()),
      -- A deadline that passed would fail the job again at once; the person who retries it overrides it.
      deadline = case when j.deadline > clock_timestamp() then j.deadline end
    from wanted w where j.id = w.id
    returning j.id, j.group_id, j.campaign_id, w.state as was),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select r.group_id, r.campaign_id, s.state, s.sign * count(*)
    from requeued r cross join lateral (values (r.was, -1), ('queued', 1)) s(state, sign)
    group by r.group_id, r.campaign_id, s.state, s.sign)
  select array_agg(r.id order by r.id) into returned from requeued r;
  if returned is not null then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return query select unnest(returned);
end $$;
comment on function retry_jobs is 'Puts failed or cancelled jobs back with fresh attempts; returns their ids.';
