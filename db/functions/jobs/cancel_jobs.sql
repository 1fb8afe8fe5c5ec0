create or replace function cancel_jobs(job_ids bigint[], tenant text default null) returns setof bigint
language plpgsql security definer as $$
declare
  owner constant int := caller_tenant(tenant);
  these constant bigint[] := jobs_of(cancel_jobs.job_ids, owner);
  ended bigint[];
  changed int;
begin
  -- In id order, so that two cancels of the same jobs cannot wait for each other.
  with wanted as (
    select j.id, j.state from jobs j
    where j.id = any(these) and j.state in ('queued', 'running')
    order by j.id for update),
  cancelled as (
    update jobs j set state = 'cancelled', indexed_state = 'cancelled', finished_at = clock_timestamp()
    from wanted w where j.id = w.id
    returning j.id, j.group_id, j.campaign_id, j.attempts, j.batch_id, w.state as was),
  noted as (
    insert into job_attempts (job_id, attempt, counted, code, message, batch_id)
    select c.id, c.attempts, false, 'cancelled',
      case c.was when 'running' then 'Cancelled while running.' else 'Cancelled while waiting.' end, c.batch_id
    from cancelled c),
  moves as (
    select c.was, array_agg(c.group_id) as group_ids, array_agg(c.campaign_id) as campaign_ids from cancelled c group by c.was)
  select array_agg(c.id order by c.id),
    (select sum(count_moves(m.group_ids, m.campaign_ids, m.was, 'cancelled')) from moves m)
  into ended, changed
  from cancelled c;
  perform notify_done(ended);
  return query select unnest(ended);
end $$;
comment on function cancel_jobs is 'Cancels jobs that have not ended; returns the ids cancelled now.';
