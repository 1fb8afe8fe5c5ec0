-- What became of claimed jobs. Every write names the batch and its epoch; one that is not the live lease raises BG002 and changes nothing.

create function notify_done(job_ids bigint[], state text) returns void
language plpgsql as $$
-- One notification for many jobs. A payload holds under 8,000 bytes; beyond a few hundred ids listeners are told to look themselves.
begin
  if cardinality(job_ids) > 0 then
    perform pg_notify(current_schema() || '_done', jsonb_build_object('state', state, 'count', cardinality(job_ids),
      'job_ids', case when cardinality(job_ids) <= 300 then to_jsonb(job_ids) end)::text);
  end if;
end $$;
comment on function notify_done is 'Tells upstream apps that jobs ended: channel SCHEMA_done.';

create function hold_lease(of_batch bigint, with_epoch bigint) returns batches
language plpgsql as $$
-- Locks the batch row: a rescue and a late write of the same batch must come one after the other.
-- By its key alone: asked for state = 'open' as well, the planner may read batches_open instead, where every ended batch stays as long as an old
-- snapshot is held.
declare
  held batches;
begin
  select * into held from batches b where b.id = of_batch for no key update;
  if not found or held.state <> 'open' or held.epoch <> with_epoch then
    raise exception using errcode = 'BG002', message = format('Batch %s is not held under epoch %s any more%s.', of_batch, with_epoch,
      case when held.id is null then ': there is no such batch' else ': it is ' || held.state || ' at epoch ' || held.epoch end);
  end if;
  return held;
end $$;

create function put_back(of_batch bigint, these bigint[], from_state text, why text, said text, counts boolean, new_limit smallint default null) returns int
language plpgsql as $$
-- Jobs of a batch return to the queue at once and keep their age. Not counted means that the attempt is taken back.
declare
  changed int;
begin
  with returned as (
    update jobs j set
      state = 'queued', shelf = 'ready', batch_id = null, finished_at = null,
      attempts = j.attempts - case when counts then 0 else 1 end,
      batch_limit = coalesce(new_limit, j.batch_limit)
    from unnest(these) u(id)
    where j.id = u.id and j.batch_id = of_batch and j.state = from_state
    returning j.id, j.lane_id, j.campaign_id, j.attempts),
  noted as (
    insert into job_attempts (job_id, attempt, counted, outcome, message, worker_id, batch_id, started_at)
    select r.id, r.attempts + case when counts then 0 else 1 end, counts, why, said, b.worker_id, b.id, b.claimed_at
    from returned r cross join batches b
    where b.id = of_batch),
  dropped as (
    delete from images i using returned r where i.job_id = r.id),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select r.lane_id, r.campaign_id, s.state, s.sign * count(*)
    from returned r cross join (values (from_state, -1), ('queued', 1)) s(state, sign)
    group by r.lane_id, r.campaign_id, s.state, s.sign)
  select count(*) into changed from returned;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;

create function heartbeat_batch(of_batch bigint, with_epoch bigint, lease interval, finished_jobs int, at_step int, of_steps int) returns setof bigint
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
begin
  update batches b set lease_expires_at = clock_timestamp() + lease, finished = finished_jobs, step = at_step, steps = of_steps where b.id = of_batch;
  return query select j.id from unnest(held.job_ids) u(id) join jobs j on j.id = u.id where j.batch_id = of_batch and j.state = 'cancelled';
end $$;
comment on function heartbeat_batch is 'Extends a lease; returns the jobs of the batch that were cancelled.';

create function complete_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], paths text[], sizes bigint[], sha256s text[], widths int[], heights int[], seeds bigint[], recipes text[])
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
  this_part constant int := held.parts + 1;
  done bigint[];
begin
  -- A job cancelled meanwhile is not running any more and stays cancelled. What the picture needs travels through the update: joining it
  -- again would compare every job with every other.
  with ended as (
    update jobs j set state = 'succeeded', finished_at = clock_timestamp()
    from unnest(complete_jobs.job_ids, paths, sizes, sha256s, widths, heights, seeds, recipes) u(id, path, size_bytes, sha256, width, height, seed, recipe)
    where j.id = u.id and j.batch_id = of_batch and j.state = 'running'
    returning j.id, j.lane_id, j.campaign_id, u.path, u.size_bytes, u.sha256, u.width, u.height, u.seed, u.recipe),
  pictures as (
    insert into images (job_id, batch_id, size_bytes, seed, part, width, height, sha256, path, recipe)
    select e.id, of_batch, e.size_bytes, e.seed, this_part, e.width, e.height, decode(e.sha256, 'hex'), e.path, e.recipe::jsonb
    from ended e),
  belonging as (
    insert into campaign_batches (campaign_id, batch_id)
    select distinct e.campaign_id, of_batch from ended e where e.campaign_id <> 0
    on conflict do nothing),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select e.lane_id, e.campaign_id, s.state, s.sign * count(*)
    from ended e cross join (values ('running', -1), ('succeeded', 1)) s(state, sign)
    group by e.lane_id, e.campaign_id, s.state, s.sign)
  select coalesce(array_agg(e.id), '{}') into done from ended e;
  update batches b set parts = this_part, finished = b.finished + cardinality(done), unended = b.unended - cardinality(done), pictures = b.pictures + cardinality(done)
  where b.id = of_batch;
  perform notify_done(done, 'succeeded');
  return cardinality(done);
end $$;
comment on function complete_jobs is 'Records pictures of a batch; returns how many jobs succeeded by it.';

create function fail_jobs(
  of_batch bigint, with_epoch bigint, job_ids bigint[], kinds text[], messages text[], retry_delay interval, max_retry_delay interval)
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
    select u.id, u.kind, u.message, u.kind in ('invalid_job', 'adapter', 'model', 'deadline_passed') as final, u.kind <> 'weight_integrity' as counts
    from unnest(fail_jobs.job_ids, kinds, messages) u(id, kind, message)),
  ended as (
    update jobs j set
      state = case when a.final or (a.counts and j.attempts >= j.max_attempts) then 'failed' else 'queued' end,
      shelf = case
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
    returning j.id, j.lane_id, j.campaign_id, j.state, j.attempts, a.kind, a.message, a.counts),
  noted as (
    insert into job_attempts (job_id, attempt, counted, outcome, message, worker_id, batch_id, started_at)
    select e.id, e.attempts + case when e.counts then 0 else 1 end, e.counts, e.kind, e.message, held.worker_id, held.id, held.claimed_at
    from ended e),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select e.lane_id, e.campaign_id, s.state, s.sign * count(*)
    from ended e cross join lateral (values ('running', -1), (e.state, 1)) s(state, sign)
    group by e.lane_id, e.campaign_id, s.state, s.sign)
  select count(*), array_agg(e.id) filter (where e.state = 'failed'), coalesce(bool_or(e.state = 'queued'), false)
  into changed, failed, retried from ended e;
  update batches b set finished = b.finished + changed, unended = b.unended - changed where b.id = of_batch;
  if retried then perform nextval('requeues'); end if;
  perform notify_done(failed, 'failed');
  return changed;
end $$;
comment on function fail_jobs is 'Records failed attempts of a batch: retried later, or failed for good.';

create function end_batch(of_batch bigint, with_epoch bigint, quiet interval, why text) returns int
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  held batches := hold_lease(of_batch, with_epoch);
  changed int := 0;
begin
  if held.unended > 0 then
    changed := put_back(of_batch, held.job_ids, 'running', 'given_back', why, false);
  else
    -- Its jobs are recorded. Should a crash of the server undo the end, the lease runs out instead; the commit need not wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  -- For a moment a small signature stays with the worker that has it fused: it is about to claim again.
  update batches b set state = 'ended', ended_at = clock_timestamp(), lease_expires_at = clock_timestamp() + quiet where b.id = of_batch;
  return changed;
end $$;
comment on function end_batch is 'Ends a batch; unfinished jobs go back, the attempt not counted. Returns how many did.';

create function discard_unsettled(of_batch batches, why text, said text) returns int
language plpgsql as $$
-- Pictures that no checkpoint vouches for: their jobs are rendered again, the attempt not counted.
declare
  these bigint[];
  changed int;
begin
  select array_agg(i.job_id) into these
  from unnest(of_batch.job_ids) u(id) join images i on i.job_id = u.id
  where i.batch_id = of_batch.id and i.part > of_batch.settled_parts;
  changed := put_back(of_batch.id, these, 'succeeded', why, said, false);
  update batches b set settled_parts = b.parts, pictures = b.pictures - changed where b.id = of_batch.id;
  return changed;
end $$;

create function rescue_expired() returns int
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  dead batches;
  unfinished bigint[];
  finals bigint[];
  name text;
  rescued int := 0;
begin
  -- 1. Leases that ran out
  for dead in
    select * from batches b where b.state = 'open' and b.lease_expires_at <= started order by b.lease_expires_at for update skip locked
  loop
    select w.name into name from workers w where w.id = dead.worker_id;
    -- A raised epoch: whatever the old owner still sends is refused.
    update batches b set state = 'lost', epoch = b.epoch + 1, ended_at = clock_timestamp() where b.id = dead.id;
    -- Nor does it still hold a signature by a batch that it just ended.
    update batches b set lease_expires_at = clock_timestamp()
    where b.signature = dead.signature and b.lease_expires_at > started and b.worker_id = dead.worker_id and b.state = 'ended';
    select array_agg(j.id) into unfinished
    from unnest(dead.job_ids) u(id) join jobs j on j.id = u.id
    where j.batch_id = dead.id and j.state = 'running';

    -- Alone with a worker that went away, again and again: this job is the reason.
    if cardinality(unfinished) = 1 and cardinality(dead.job_ids) = 1 then
      with ended as (
        update jobs j set state = 'failed', shelf = 'failed', finished_at = clock_timestamp()
        where j.id = unfinished[1] and j.batch_id = dead.id and j.state = 'running' and j.attempts >= j.max_attempts
        returning j.id, j.lane_id, j.campaign_id, j.attempts),
      noted as (
        insert into job_attempts (job_id, attempt, counted, outcome, message, worker_id, batch_id, started_at)
        select e.id, e.attempts, true, 'worker_lost', format('Worker ''%s'' went away while it rendered this job alone; attempt %s of its limit. See the worker''s log from %s.',
          name, e.attempts, dead.claimed_at), dead.worker_id, dead.id, dead.claimed_at
        from ended e),
      counted as (
        insert into job_count_changes (lane_id, campaign_id, state, change)
        select e.lane_id, e.campaign_id, s.state, s.sign from ended e cross join (values ('running', -1), ('failed', 1)) s(state, sign))
      select array_agg(e.id) into finals from ended e;
      perform notify_done(finals, 'failed');
    end if;
    perform put_back(dead.id, unfinished, 'running', 'worker_lost',
      format('Worker ''%s'' went away with a batch of %s jobs, %s of them unfinished; its lease ended at %s.',
        name, cardinality(dead.job_ids), cardinality(unfinished), dead.lease_expires_at),
      -- Its attempt is counted only to a job that was alone: the others may have had a neighbour that brings workers down.
      cardinality(dead.job_ids) = 1, greatest(1, coalesce(cardinality(unfinished), 1) / 2)::smallint);
    perform discard_unsettled(dead, 'worker_lost', format('Worker ''%s'' went away before a checkpoint had vouched for the picture.', name));
    rescued := rescued + 1;
  end loop;

  -- 2. Ended batches whose worker is gone: no checkpoint will ever judge their pictures.
  for dead in
    select b.* from workers w join batches b on b.worker_id = w.id and b.settled_parts < b.parts
    where b.state = 'ended' and (w.stopped_at is not null or w.heartbeat_at < started - interval '10 minutes')
    for update of b skip locked
  loop
    perform discard_unsettled(dead, 'worker_lost', 'The worker went away before a checkpoint had vouched for the picture.');
    rescued := rescued + 1;
  end loop;
  -- 3. Deadlines pass also while nobody claims.
  perform advance_clock();
  perform fold_counts();
  return rescued;
end $$;
comment on function rescue_expired is 'Takes back leases that ran out; returns how many batches were rescued.';

create function fold_counts() returns int
language plpgsql security definer set search_path from current as $$
declare
  folded int;
begin
  -- One at a time; a second caller has nothing to add.
  if not pg_try_advisory_xact_lock(hashtextextended(current_schema(), 8)) then return 0; end if;
  with taken as (
    delete from job_count_changes returning lane_id, campaign_id, state, change),
  summed as (
    select lane_id, campaign_id, state, sum(change) as change, count(*) as rows from taken group by lane_id, campaign_id, state),
  added as (
    insert into job_counts as c (lane_id, campaign_id, state, count)
    select lane_id, campaign_id, state, change from summed where change <> 0
    order by lane_id, campaign_id, state
    on conflict (lane_id, campaign_id, state) do update set count = c.count + excluded.count)
  select coalesce(sum(rows), 0) into folded from summed;
  return folded;
end $$;
comment on function fold_counts is 'Adds appended changes to the counts.';

create function record_checkpoint(
  of_worker uuid, of_batch bigint, with_epoch bigint, on_model text, on_device text, compute_type text, judged text, expected text, actual text,
  tensors int, size_bytes bigint, drifted text[], elapsed_ms double precision, reloaded_tensors int, reloaded_bytes bigint, reload_ms double precision)
returns table (checkpoint_id bigint, images_verified int, jobs_requeued int)
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  new_id bigint;
  unsettled batches;
  verified int := 0;
  requeued int := 0;
  affected int;
begin
  insert into weight_checkpoints (worker_id, batch_id, model, device, compute_type, verdict, expected_digest, actual_digest, tensors, size_bytes,
    drifted_tensors, elapsed_ms, reloaded_tensors, reloaded_bytes, reload_ms)
  values (of_worker, of_batch, on_model, on_device, record_checkpoint.compute_type, judged, expected, actual, record_checkpoint.tensors, record_checkpoint.size_bytes,
    drifted, record_checkpoint.elapsed_ms, record_checkpoint.reloaded_tensors, record_checkpoint.reloaded_bytes, record_checkpoint.reload_ms)
  returning id into new_id;

  for unsettled in
    select * from batches b where b.worker_id = of_worker and b.settled_parts < b.parts order by b.id for no key update
  loop
    if judged = 'passed' then
      with counted as (
        insert into job_count_changes (lane_id, campaign_id, state, change)
        select j.lane_id, j.campaign_id, 'verified', count(*)
        from unnest(unsettled.job_ids) u(id)
        join images i on i.job_id = u.id and i.batch_id = unsettled.id and i.part > unsettled.settled_parts
        join jobs j on j.id = u.id
        group by j.lane_id, j.campaign_id
        returning change)
      select coalesce(sum(change), 0) into affected from counted;
      verified := verified + affected;
      update batches b set settled_parts = b.parts, verified = b.verified + affected, verified_at = clock_timestamp(), checkpoint_id = new_id where b.id = unsettled.id;
    else
      -- Restored and unrecoverable come after a drift: what was rendered before them is not vouched for either.
      requeued := requeued + discard_unsettled(unsettled, 'weight_integrity',
        format('Checkpoint %s found base weights changed (%s); the picture is rendered again.', new_id,
          coalesce(nullif(array_to_string(drifted[1:3], ', '), ''), judged)));
    end if;
  end loop;
  update weight_checkpoints c set images_verified = verified, jobs_requeued = requeued where c.id = new_id;
  return query select new_id, verified, requeued;
end $$;
comment on function record_checkpoint is 'Writes a checkpoint with its consequence: passed verifies the worker''s unverified pictures, anything else puts their jobs back.';

create function jobs_of(job_ids bigint[], owner int) returns bigint[]
language sql stable as $$
  -- Asked for before the jobs are locked: joined to the lock, a job that another session moves to another lane at this moment would be passed over.
  select case when owner is null then job_ids
    else array(select j.id from jobs j join lanes l on l.id = j.lane_id where j.id = any(job_ids) and l.tenant_id = owner) end
$$;
comment on function jobs_of is 'Those of the jobs that belong to a tenant; all for null.';

create function cancel_jobs(job_ids bigint[], tenant text default null) returns setof bigint
language plpgsql security definer
set search_path from current
-- Planned once, by keys: a plan made while the tables were empty would read them whole later.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  owner constant int := caller_tenant(tenant);
  these constant bigint[] := jobs_of(cancel_jobs.job_ids, owner);
  ended bigint[];
begin
  -- In id order, so that two cancels of the same jobs cannot wait for each other.
  with wanted as (
    select j.id, j.state from jobs j
    where j.id = any(these) and j.state in ('queued', 'running')
    order by j.id for update),
  cancelled as (
    update jobs j set state = 'cancelled', shelf = 'cancelled', finished_at = clock_timestamp()
    from wanted w where j.id = w.id
    returning j.id, j.lane_id, j.campaign_id, j.attempts, j.batch_id, w.state as was),
  noted as (
    insert into job_attempts (job_id, attempt, counted, outcome, message, batch_id)
    select c.id, c.attempts, false, 'cancelled', case c.was when 'running' then 'Cancelled while running.' else 'Cancelled while waiting.' end, c.batch_id
    from cancelled c),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select c.lane_id, c.campaign_id, s.state, s.sign * count(*)
    from cancelled c cross join lateral (values (c.was, -1), ('cancelled', 1)) s(state, sign)
    group by c.lane_id, c.campaign_id, s.state, s.sign)
  select array_agg(c.id order by c.id) into ended from cancelled c;
  perform notify_done(ended, 'cancelled');
  return query select unnest(ended);
end $$;
comment on function cancel_jobs is 'Cancels jobs that have not ended; returns the ids cancelled now.';

create function retry_jobs(job_ids bigint[], tenant text default null) returns setof bigint
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
      state = 'queued', shelf = case when j.run_at > clock_timestamp() then 'scheduled' else 'ready' end, finished_at = null, batch_id = null, attempts = 0,
      batch_limit = 32767,
      -- Its age begins anew; a start time still to come holds.
      run_at = greatest(j.run_at, clock_timestamp()),
      -- A deadline that passed would fail the job again at once; the person who retries it overrides it.
      deadline = case when j.deadline > clock_timestamp() then j.deadline end
    from wanted w where j.id = w.id
    returning j.id, j.lane_id, j.campaign_id, w.state as was),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select r.lane_id, r.campaign_id, s.state, s.sign * count(*)
    from requeued r cross join lateral (values (r.was, -1), ('queued', 1)) s(state, sign)
    group by r.lane_id, r.campaign_id, s.state, s.sign)
  select array_agg(r.id order by r.id) into returned from requeued r;
  if returned is not null then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return query select unnest(returned);
end $$;
comment on function retry_jobs is 'Puts failed or cancelled jobs back with fresh attempts; returns their ids.';

create view results with (security_barrier) as
select j.id as job_id, t.name as tenant, c.name as campaign, j.state, j.signature, i.path, i.size_bytes, encode(i.sha256, 'hex') as sha256, i.width, i.height,
  i.seed, i.recipe, j.finished_at,
  case when i.part <= b.settled_parts then b.verified_at end as verified_at,
  case when i.part <= b.settled_parts then b.checkpoint_id end as checkpoint_id,
  a.outcome as failure_code, a.message as failure_message
from jobs j
join lanes l on l.id = j.lane_id
join tenants t on t.id = l.tenant_id
left join campaigns c on c.id = j.campaign_id
left join images i on i.job_id = j.id
left join batches b on b.id = i.batch_id
left join lateral (
  select outcome, message from job_attempts where job_id = j.id and j.state in ('failed', 'cancelled') order by id desc limit 1) a on true
where j.state in ('succeeded', 'failed', 'cancelled')
  and ((select caller_tenant(null)) is null or l.tenant_id = (select caller_tenant(null)));
comment on view results is 'Ended jobs of the tenants this session may see, with their picture, whether it is verified, or why there is none.';

create function job_status(job_ids bigint[])
returns table (job_id bigint, state text, attempts smallint, max_attempts smallint, run_at timestamptz, finished_at timestamptz, path text,
  verified_at timestamptz, failure_code text, failure_message text)
language sql stable security definer set search_path from current as $$
  -- Jobs of other tenants are left out like unknown ones.
  select j.id, j.state, j.attempts, j.max_attempts, j.run_at, j.finished_at, i.path,
    case when i.part <= b.settled_parts then b.verified_at end, a.outcome, a.message
  from unnest(job_ids) with ordinality u(id, n)
  join jobs j on j.id = u.id
  join lanes l on l.id = j.lane_id and ((select caller_tenant(null)) is null or l.tenant_id = (select caller_tenant(null)))
  left join images i on i.job_id = j.id
  left join batches b on b.id = i.batch_id
  left join lateral (select outcome, message from job_attempts where job_id = j.id order by id desc limit 1) a on true
  order by u.n
$$;
comment on function job_status is 'Where jobs stand; unknown ids are left out.';
