-- Upkeep: archiving, pruning, work by filter, and what dashboards list. Nothing here is on the path of a claim.

create table archived_jobs (
  job_id bigint primary key,
  tenant text not null,
  campaign text,
  state text not null,
  signature text collate "C" not null,
  finished_at timestamptz not null,
  job jsonb not null
);
comment on table archived_jobs is 'Ended jobs past their retention: recipe, picture, attempts as JSON, out of the way of the queue.';
create index archived_jobs_by_end on archived_jobs (finished_at);
comment on index archived_jobs_by_end is 'prune_archive: rows past their retention';
create index archived_jobs_by_campaign on archived_jobs (campaign, job_id) where campaign is not null;
comment on index archived_jobs_by_campaign is 'for people: what became of a campaign';

create function archive_jobs(older_than interval, at_most int default 5000, after_id bigint default 0, out moved int, out last_id bigint)
language plpgsql security definer set search_path from current as $$
-- One chunk of a walk up from the oldest job. Jobs are numbered about in the order of their submission and end after it, so the walk is over at the
-- first chunk with a job submitted after the limit; old jobs that have not ended are stepped over, however many they are.
declare
  ended_before constant timestamptz := clock_timestamp() - older_than;
  chunk_end bigint;
  goes_on boolean;
begin
  select max(c.job_id), count(*) = at_most and bool_and(c.created_at < ended_before) into chunk_end, goes_on
  from (select r.job_id, r.created_at from job_recipes r where r.job_id > after_id order by r.job_id limit at_most) c;
  with leaving as (
    select j.id from jobs j
    where j.id > after_id and j.id <= chunk_end and j.finished_at < ended_before
      -- A picture that no checkpoint has judged may still have to be rendered again.
      and not exists (
        select from images i join batches b on b.id = i.batch_id where i.job_id = j.id and i.part > b.settled_parts)
    order by j.id
    for update skip locked),
  archived as (
    insert into archived_jobs (job_id, tenant, campaign, state, signature, finished_at, job)
    select j.id, t.name, c.name, j.state, j.signature, j.finished_at, jsonb_strip_nulls(jsonb_build_object(
      'priority', l.priority, 'attempts', j.attempts, 'created_at', r.created_at, 'run_at', j.run_at,
      'recipe', to_jsonb(r) - array['job_id', 'created_at', 'tenant_id', 'campaign_id'],
      'image', case when i.job_id is not null then jsonb_build_object('path', i.path, 'size_bytes', i.size_bytes, 'sha256', encode(i.sha256, 'hex'),
        'width', i.width, 'height', i.height, 'verified_at', b.verified_at, 'checkpoint_id', b.checkpoint_id) end,
      'failures', (select jsonb_agg(jsonb_build_object('outcome', a.outcome, 'message', a.message, 'attempt', a.attempt, 'ended_at', a.ended_at) order by a.id)
        from job_attempts a where a.job_id = j.id)))
    from leaving v
    join jobs j on j.id = v.id
    join job_recipes r on r.job_id = j.id
    join lanes l on l.id = j.lane_id
    join tenants t on t.id = l.tenant_id
    left join campaigns c on c.id = j.campaign_id
    left join images i on i.job_id = j.id
    left join batches b on b.id = i.batch_id
    on conflict (job_id) do nothing),
  gone as (
    delete from jobs j using leaving v where j.id = v.id returning j.id, j.lane_id, j.campaign_id, j.state),
  recipes_gone as (delete from job_recipes r using leaving v where r.job_id = v.id),
  attempts_gone as (delete from job_attempts a using leaving v where a.job_id = v.id),
  keys_gone as (delete from idempotency_keys k using leaving v where k.job_id = v.id),
  images_gone as (
    delete from images i using leaving v where i.job_id = v.id returning i.job_id, i.batch_id),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select g.lane_id, g.campaign_id, g.state, -count(*) from gone g group by 1, 2, 3
    union all
    select g.lane_id, g.campaign_id, 'verified', -count(*)
    from images_gone i join batches b on b.id = i.batch_id and b.verified_at is not null join gone g on g.id = i.job_id group by 1, 2, 3)
  select count(*) into moved from gone;
  if goes_on then last_id := chunk_end; end if;
end $$;
comment on function archive_jobs is 'Moves those of the next at_most jobs after an id to archived_jobs that ended before their retention; returns how many, and the id to go on after, null at the end. Their pictures'' files stay.';

create function prune_history(older_than interval, at_most int default 5000) returns int
language plpgsql security definer set search_path from current as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  removed int := 0;
  affected int;
begin
  with old as (
    select b.id from batches b
    where b.ended_at < before
      and not exists (select from unnest(b.job_ids) u(id) join jobs j on j.id = u.id and j.batch_id = b.id)
    order by b.id limit at_most)
  delete from batches b using old where b.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- Batches are numbered by their claim: below the first one that is left there is none.
  delete from campaign_batches b using campaigns c where b.campaign_id = c.id and b.batch_id < (select min(id) from batches);
  with old as (select c.id from weight_checkpoints c where c.created_at < before order by c.id limit at_most)
  delete from weight_checkpoints c using old where c.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- The first canary of a kind stays: all later ones are compared with it.
  with old as (select c.id from canaries c where c.created_at < before and c.verdict <> 'first' order by c.id limit at_most)
  delete from canaries c using old where c.id = old.id;
  get diagnostics affected = row_count;
  removed := removed + affected;
  -- A worker that crashed wrote no end. A live one misses its heartbeat for so long only while its machine sleeps, and registers anew.
  update workers w set stopped_at = w.heartbeat_at, stop_reason = 'no heartbeat for a week'
  where w.stopped_at is null and w.heartbeat_at < clock_timestamp() - interval '7 days';
  delete from workers w
  where w.stopped_at < before
    and not exists (select from batches b where b.worker_id = w.id)
    and not exists (select from weight_checkpoints c where c.worker_id = w.id)
    and not exists (select from canaries c where c.worker_id = w.id);
  get diagnostics affected = row_count;
  return removed + affected;
end $$;
comment on function prune_history is 'Deletes batches, checkpoints, canaries and workers past their retention that no job refers to; returns how many rows.';

create function prune_archive(older_than interval, at_most int default 50000) returns int
language plpgsql security definer set search_path from current as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  removed int;
begin
  with old as (select a.job_id from archived_jobs a where a.finished_at < before order by a.finished_at limit at_most)
  delete from archived_jobs a using old where a.job_id = old.job_id;
  get diagnostics removed = row_count;
  return removed;
end $$;
comment on function prune_archive is 'Deletes archived jobs past their retention; returns how many.';

create function prune_staged(older_than interval) returns bigint
language plpgsql security definer set search_path from current as $$
declare
  before constant timestamptz := clock_timestamp() - older_than;
  stale record;
  removed bigint := 0;
  affected bigint;
begin
  for stale in select distinct s.load, s.staged_by from staged_jobs s where s.staged_at < before loop
    -- A load that is being submitted now is not abandoned.
    if pg_try_advisory_xact_lock(load_lock(stale.load, stale.staged_by)) then
      delete from staged_jobs s where s.load = stale.load and s.staged_by = stale.staged_by and s.staged_at < before;
      get diagnostics affected = row_count;
      removed := removed + affected;
    end if;
  end loop;
  return removed;
end $$;
comment on function prune_staged is 'Deletes rows staged before their retention that nobody submitted; returns how many.';

create function retry_failed(of_campaign text default null, with_code text default null, of_signature text default null, at_most int default 10000) returns int
language plpgsql security definer set search_path from current as $$
declare
  owner constant int := caller_tenant(null);
  these bigint[];
  changed int;
begin
  select array_agg(id) into these from (
    select j.id
    from jobs j
    join lanes l on l.id = j.lane_id
    where j.shelf = 'failed'
      and (owner is null or l.tenant_id = owner)
      and (of_signature is null or j.signature = of_signature)
      and (of_campaign is null or j.campaign_id = any(array(select c.id from campaigns c where c.name = of_campaign)))
      and (with_code is null or with_code = (select a.outcome from job_attempts a where a.job_id = j.id order by a.id desc limit 1))
    order by j.id
    limit at_most) failed;
  select count(*) into changed from retry_jobs(coalesce(these, '{}'));
  return changed;
end $$;
comment on function retry_failed is 'Puts failed jobs back by campaign, failure code or signature; returns how many.';

create function cancel_waiting(of_campaign text default null, of_signature text default null, at_most int default 10000) returns int
language plpgsql security definer set search_path from current as $$
declare
  owner constant int := caller_tenant(null);
  these bigint[];
  changed int;
begin
  if of_campaign is null and of_signature is null then
    perform refuse('cancel_waiting', null, 'name a campaign or a signature; cancelling everything is not offered.');
  end if;
  select array_agg(id) into these from (
    select j.id
    from jobs j
    join lanes l on l.id = j.lane_id
    where j.shelf in ('ready', 'scheduled')
      and (owner is null or l.tenant_id = owner)
      and (of_signature is null or j.signature = of_signature)
      and (of_campaign is null or j.campaign_id = any(array(select c.id from campaigns c where c.name = of_campaign)))
    order by j.id
    limit at_most) waiting;
  select count(*) into changed from cancel_jobs(coalesce(these, '{}'));
  return changed;
end $$;
comment on function cancel_waiting is 'Cancels waiting jobs of a campaign or signature; returns how many.';

create function set_priority(job_ids bigint[], new_priority int) returns int
language plpgsql security definer set search_path from current as $$
declare
  owner constant int := caller_tenant(null);
  changed int;
begin
  if new_priority is null or new_priority not between -100 and 100 then
    perform refuse('set_priority', 'new_priority', format('expected a whole number from -100 to 100, got %s.', new_priority));
  end if;
  insert into lanes (model_id, priority, tenant_id)
  select distinct l.model_id, least(new_priority, t.max_priority), l.tenant_id
  from unnest(job_ids) u(id) join jobs j on j.id = u.id join lanes l on l.id = j.lane_id join tenants t on t.id = l.tenant_id
  where j.shelf in ('ready', 'scheduled') and (owner is null or l.tenant_id = owner)
  on conflict do nothing;
  with wanted as (
    select j.id, j.lane_id as old_lane, n.id as new_lane, j.campaign_id
    from unnest(job_ids) u(id)
    join jobs j on j.id = u.id
    join lanes l on l.id = j.lane_id
    join tenants t on t.id = l.tenant_id
    join lanes n on n.model_id = l.model_id and n.tenant_id = l.tenant_id and n.priority = least(new_priority, t.max_priority)
    where j.shelf in ('ready', 'scheduled') and n.id <> l.id and (owner is null or l.tenant_id = owner)
    order by j.id
    for update of j),
  moved as (
    update jobs j set lane_id = w.new_lane from wanted w where j.id = w.id returning w.old_lane, w.new_lane, w.campaign_id),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select s.lane, m.campaign_id, 'queued', s.sign * count(*)
    from moved m cross join lateral (values (m.old_lane, -1), (m.new_lane, 1)) s(lane, sign)
    group by s.lane, m.campaign_id, s.sign)
  select count(*) into changed from moved;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
comment on function set_priority is 'Moves waiting jobs to another priority; returns how many moved.';

create function signature_backlog(after_signature text default '', at_most int default 50, count_limit int default 1000)
returns table (signature text, waiting bigint, oldest timestamptz)
language plpgsql stable security definer
set search_path from current
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_variable
-- Hops from signature to signature through the index and counts each only up to a limit: the cost follows what is shown, not what waits.
declare
  lane_ids constant int[] := array(select l.id from lanes l);
begin
  signature := after_signature;
  for shown in 1 .. at_most loop
    select min(n.signature collate "C") into signature
    from unnest(lane_ids) l(id)
    cross join lateral (
      select j.signature from jobs j where j.shelf = 'ready' and j.lane_id = l.id and j.signature > signature_backlog.signature order by j.lane_id, j.signature, j.id limit 1) n;
    exit when signature is null;
    select count(*), min(n.run_at) into waiting, oldest
    from unnest(lane_ids) l(id)
    cross join lateral (
      select j.run_at from jobs j where j.shelf = 'ready' and j.lane_id = l.id and j.signature = signature_backlog.signature order by j.lane_id, j.signature, j.id limit count_limit) n;
    return next;
  end loop;
end $$;
comment on function signature_backlog is 'Signatures with ready jobs in text order after a given one; waiting is exact below count_limit per lane.';

create view available_models as
select m.name, m.family, m.native_width, m.native_height, m.paused from models m;
comment on view available_models is 'Models that jobs may name, without where they lie.';
create view available_adapters as
select a.name, a.family, a.algorithm, a.trigger_words from adapters a;
comment on view available_adapters is 'Adapters that jobs may name, without where they lie.';

create view job_history as
select a.job_id, a.attempt, a.counted, a.outcome, a.message, w.name as worker, a.batch_id, a.started_at, a.ended_at
from job_attempts a left join workers w on w.id = a.worker_id
union all
select i.job_id, j.attempts, true, 'succeeded', i.path, w.name, i.batch_id, b.claimed_at, i.created_at
from images i join jobs j on j.id = i.job_id left join batches b on b.id = i.batch_id left join workers w on w.id = b.worker_id;
comment on view job_history is 'Every ended attempt of each job; for a success the message is the picture''s path.';
