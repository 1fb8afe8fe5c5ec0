create or replace function retry_jobs(job_ids bigint[], tenant text default null) returns setof bigint
language plpgsql security definer as $$
declare
  owner constant int := caller_tenant(tenant);
  these constant bigint[] := jobs_of(retry_jobs.job_ids, owner);
  returned bigint[];
  changed int;
begin
  with wanted as (
    select j.id, j.state from jobs j
    where j.id = any(these) and j.state in ('failed', 'cancelled')
    order by j.id for update),
  requeued as (
    update jobs j set
      state = 'queued', indexed_state = case when j.run_at > clock_timestamp() then 'scheduled' else 'ready' end, finished_at = null,
      batch_id = null, attempts = 0, batch_limit = 32767,
      -- Its age begins anew; a start time still to come holds.
      run_at = greatest(j.run_at, clock_timestamp()),
      -- A deadline that passed would fail the job again at once; the person who retries it overrides it.
      deadline = case when j.deadline > clock_timestamp() then j.deadline end
    from wanted w where j.id = w.id
    returning j.id, j.group_id, j.campaign_id, w.state as was),
  moves as (
    select r.was, array_agg(r.group_id) as group_ids, array_agg(r.campaign_id) as campaign_ids from requeued r group by r.was)
  select array_agg(r.id order by r.id),
    (select sum(count_moves(m.group_ids, m.campaign_ids, m.was, 'queued')) from moves m)
  into returned, changed
  from requeued r;
  if returned is not null then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return query select unnest(returned);
end $$;
comment on function retry_jobs is 'Requeues failed or cancelled jobs with fresh attempts; returns their ids.';
