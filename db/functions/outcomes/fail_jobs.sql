create or replace function fail_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], codes text[], messages text[], retry_delay interval, max_retry_delay interval)
returns int
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  changed int;
  failed bigint[];
  retried boolean;
begin
  with asked as (
    select u.id, u.code, u.message, u.code in ('invalid_job', 'adapter', 'model', 'deadline_passed') as final, u.code <> 'weight_integrity' as counts
    from unnest(fail_jobs.job_ids, codes, messages) u(id, code, message)),
  ended as (
    update jobs j set
      state = case when a.final or (a.counts and j.attempts >= j.max_attempts) then 'failed' else 'queued' end,
      indexed_state = case
        when a.final or (a.counts and j.attempts >= j.max_attempts) then 'failed'
        when not a.counts or retry_delay = interval '0' then 'ready'
        else 'scheduled' end,
      finished_at = case when a.final or (a.counts and j.attempts >= j.max_attempts) then clock_timestamp() end,
      attempts = j.attempts - case when a.counts then 0 else 1 end,
      -- Doubling with each attempt, and half of it by chance, so that what failed together is not retried together.
      run_at = case
        when a.final or not a.counts or j.attempts >= j.max_attempts or retry_delay = interval '0' then j.run_at
        else clock_timestamp() + least(max_retry_delay, retry_delay * power(2, least(j.attempts, 30) - 1)) * (0.75 + 0.5 * random()) end,
      batch_id = case when a.final or (a.counts and j.attempts >= j.max_attempts) then j.batch_id end
    from asked a
    where j.id = a.id and j.batch_id = of_batch and j.state = 'running'
    returning j.id, j.group_id, j.campaign_id, j.state, j.attempts, a.code, a.message, a.counts),
  noted as (
    insert into job_attempts (job_id, attempt, counted, code, message, worker_id, batch_id, started_at)
    select e.id, e.attempts + case when e.counts then 0 else 1 end, e.counts, e.code, e.message, held.worker_id, held.id, held.claimed_at
    from ended e),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select e.group_id, e.campaign_id, s.state, s.sign * count(*)
    from ended e cross join lateral (values ('running', -1), (e.state, 1)) s(state, sign)
    group by e.group_id, e.campaign_id, s.state, s.sign)
  select count(*), array_agg(e.id) filter (where e.state = 'failed'), coalesce(bool_or(e.state = 'queued'), false)
  into changed, failed, retried from ended e;
  update batches b set finished = b.finished + changed, unended = b.unended - changed where b.id = of_batch;
  if retried then perform nextval('requeues'); end if;
  perform notify_done(failed, 'failed');
  return changed;
end $$;
comment on function fail_jobs is 'Records failed attempts of a batch: retried later, or failed for good.';
