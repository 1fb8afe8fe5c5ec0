create or replace function fail_unbegun(unserved_limit interval, at_most int default 5000) returns int
language plpgsql as $$
-- A job's own attempts say since when no worker could begin it, and which ones tried: one lack stands for all start images of a worker's
-- folder, and what does not fit into memory is no lack. Jobs are looked at when they were just tried: they are tried again and again.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  these bigint[] := array(
    select distinct a.job_id from job_attempts a where a.ended_at > started - interval '10 minutes' and could_not_begin(a) is not null);
  living workers[];
  messages text[];
  codes text[];
  failing record;
  failed int := 0;
begin
  if these = '{}' then return 0; end if;
  living := array(select w from workers w where worker_lives(w, started));
  select array_agg(f.id), array_agg(f.message), array_agg(f.code) into these, messages, codes
  from (
    -- Only a job says which start image it wants; what a worker cannot load or fuse is nobody's fault.
    select j.id, case when tried.wants_image_only then 'invalid_job' else 'generation' end as code, format(
      'No worker that runs could begin this job for more than %s, the first since %s. The last one said: %s', unserved_limit,
      tried.since, tried.message) as message
    from jobs j
    join dispatch_groups g on g.id = j.group_id
    join models m on m.id = g.model_id
    cross join lateral (
      select min(a.ended_at) as since, array_agg(w.name) as workers, (array_agg(a.message order by a.id desc))[1] as message,
        bool_and(could_not_begin(a) = 'start_image') as wants_image_only
      from job_attempts a left join workers w on w.id = a.worker_id
      -- Since the job ended and somebody retried it
      where a.job_id = j.id and could_not_begin(a) is not null and a.id > coalesce((
        select max(b.id) from job_attempts b where b.job_id = j.id and b.code <> 'requeued'), 0)) tried
    where j.id = any(these) and j.state = 'queued' and tried.since < started - unserved_limit
      -- By name, since a worker may have been started again. Null, where none lives that may serve the job.
      and (select array_agg(w.name) from unnest(living) w where may_serve(w, m.name)) <@ tried.workers
    order by j.id limit at_most
    for update of j skip locked) f;
  -- A requeue put them off; whoever retries them does not wait for that.
  update jobs j set run_at = least(j.run_at, started) where j.id = any(these);
  for failing in
    select u.code, array_agg(u.id) as ids, array_agg(u.message) as messages
    from unnest(these, messages, codes) u(id, message, code)
    group by u.code
  loop
    failed := failed + cardinality(fail_waiting(failing.ids, failing.code, failing.messages));
  end loop;
  return failed;
end $$;
comment on function fail_unbegun is
  'Fails waiting jobs that no living worker could begin for longer than a limit (null for none), for their start image, their model or '
  'their adapters, at most so many; returns how many.';
