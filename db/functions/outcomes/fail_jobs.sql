create or replace function fail_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], codes text[], messages text[], retry_delay interval, max_retry_delay interval)
returns int
language plpgsql security definer as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  free constant tid[] := free_jobs(of_batch, fail_jobs.job_ids);
  noted int;
  changed int;
  failed bigint[];
  retried boolean;
begin
  if not instant_fits(clock_timestamp() + max_retry_delay) then
    perform refuse_span('fail_jobs', 'max_retry_delay', max_retry_delay);
  end if;
  with asked as (
    select u.id, u.code, u.message,
      u.code in ('invalid_job', 'adapter', 'model', 'deadline_passed') as is_final,
      u.code not in ('weight_integrity', 'requeued') as counts
    from unnest(fail_jobs.job_ids, codes, messages) u(id, code, message)),
  judged as (
    select a.*, a.is_final or (a.counts and j.attempts >= j.max_attempts) as ends,
      case a.code
        when 'weight_integrity' then interval '0'
        -- The worker cannot draw it, but another may: it waits long enough for workers to be updated, and not to fill the history.
        when 'requeued' then least(max_retry_delay, retry_delay * 20)
        -- Doubling with each attempt, and half of it by chance, so that what failed together is not retried together.
        else least(max_retry_delay, retry_delay * power(2, least(j.attempts, 30) - 1)) * (0.75 + 0.5 * random()) end as delay
    from asked a join jobs j on j.id = a.id),
  ended as (
    update jobs j set
      state = case when a.ends then 'failed' else 'queued' end,
      indexed_state = case when a.ends then 'failed' when a.delay = interval '0' then 'ready' else 'scheduled' end,
      finished_at = case when a.ends then clock_timestamp() end,
      attempts = j.attempts - case when a.counts then 0 else 1 end,
      run_at = case when a.ends or a.delay = interval '0' then j.run_at else clock_timestamp() + a.delay end,
      batch_id = case when a.ends then j.batch_id end
    from judged a
    where j.id = a.id and j.ctid = any(free)
    returning j.id, j.group_id, j.campaign_id, j.state, j.attempts + case when a.counts then 0 else 1 end as attempt, a.counts, a.code,
      a.message),
  moves as (
    select e.state, array_agg(e.group_id) as group_ids, array_agg(e.campaign_id) as campaign_ids from ended e group by e.state)
  select array_agg(e.id) filter (where e.state = 'failed'), coalesce(bool_or(e.state = 'queued'), false),
    note_attempts(held, array_agg(e.id), array_agg(e.attempt), array_agg(e.counts), array_agg(e.code), array_agg(e.message)),
    (select coalesce(sum(count_moves(m.group_ids, m.campaign_ids, 'running', m.state)), 0) from moves m)
  into failed, retried, noted, changed
  from ended e;
  update batches b set finished = b.finished + changed, unended = b.unended - changed where b.id = of_batch;
  if retried then perform nextval('requeues'); end if;
  perform notify_done(failed);
  return changed;
end $$;
comment on function fail_jobs is 'Records failed attempts of a batch: retried later, or failed for good.';
