-- What the dashboard and the HTTP API keep: people, keys, schedules; and what their pages look up.

create table accounts (
  id int generated always as identity primary key,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  password_hash text not null,
  role text not null,
  created_at timestamptz not null default now(),
  constraint accounts_name_key_unique unique (name_key),
  constraint accounts_name_valid check (name ~ '^[[:alnum:]._@-]{1,100}$'),
  constraint accounts_role_known check (role in ('viewer', 'operator'))
);
comment on table accounts is 'People who may log in to the dashboard.';

create table api_keys (
  id int generated always as identity primary key,
  name text not null,
  hash bytea not null,
  role text not null,
  tenant_id int references tenants,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint api_keys_name_unique unique (name),
  constraint api_keys_hash_unique unique (hash),
  constraint api_keys_hash_length check (octet_length(hash) = 32),
  constraint api_keys_role_known check (role in ('viewer', 'submitter', 'operator')),
  constraint api_keys_submitter_has_tenant check (role <> 'submitter' or tenant_id is not null)
);
comment on table api_keys is 'Keys of the HTTP API, by SHA-256: the key itself is shown once and kept nowhere.';
comment on column api_keys.tenant_id is 'A submitter sees and submits this tenant''s jobs only.';

create table campaign_schedules (
  id int generated always as identity primary key,
  name text not null,
  cron text not null,
  time_zone text not null default 'UTC',
  jobs jsonb not null,
  enabled boolean not null default true,
  last_run_at timestamptz,
  last_result text,
  created_at timestamptz not null default now(),
  constraint campaign_schedules_name_unique unique (name),
  constraint campaign_schedules_name_valid check (char_length(name) between 1 and 150),
  constraint campaign_schedules_jobs_list check (jsonb_typeof(jobs) = 'array')
);
comment on table campaign_schedules is 'Campaigns that are submitted again and again; each run is a campaign of its own, named after schedule and time.';

create index batches_by_time on batches (claimed_at);
comment on index batches_by_time is 'list_gallery of a day, list_throughput';
create index weight_checkpoints_with_faults on weight_checkpoints (id) where verdict <> 'passed';
comment on index weight_checkpoints_with_faults is 'list_faults';

create function waiting_signatures(from_priority int, after_signature text, at_most int)
returns table (priority smallint, signature text, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint, oldest_at timestamptz)
language sql stable security definer
set search_path from current
-- Right after a bulk submit the planner's numbers are old, and it would read the whole table once per signature.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  with recursive walk as (
    select l.id as lane_id, l.priority, f.signature, 1 as n
    from lanes l
    cross join lateral (
      select j.signature from jobs j
      where j.shelf = 'ready' and j.lane_id = l.id and j.signature > case when l.priority < from_priority then '' else after_signature end collate "C"
      order by j.signature, j.id limit 1) f
    where l.priority <= from_priority
    union all
    select w.lane_id, w.priority, f.signature, w.n + 1
    from walk w
    cross join lateral (
      select j.signature from jobs j
      where j.shelf = 'ready' and j.lane_id = w.lane_id and j.signature > w.signature
      order by j.signature, j.id limit 1) f
    where w.n < at_most),
  picked as (
    select lane_id, priority, signature from walk order by priority desc, signature, lane_id limit at_most)
  select p.priority, p.signature, m.name as model, m.paused as model_paused, t.name as tenant, t.paused as tenant_paused, c.waiting, f.oldest_at
  from picked p
  join lanes l on l.id = p.lane_id
  join models m on m.id = l.model_id
  join tenants t on t.id = l.tenant_id
  cross join lateral (
    select count(*) as waiting
    from (select 1 from jobs j where j.shelf = 'ready' and j.lane_id = p.lane_id and j.signature = p.signature limit 5000) capped) c
  cross join lateral (
    select j.run_at as oldest_at from jobs j where j.shelf = 'ready' and j.lane_id = p.lane_id and j.signature = p.signature order by j.id limit 1) f
  order by p.priority desc, p.signature, p.lane_id
$$;
comment on function waiting_signatures is 'Waiting jobs by signature in the order of dispatch, from a place on; hops through index jobs_by_signature, and counts to 5,000 at most.';

create function newest_of_campaign(of_name text, below bigint, at_most int)
returns table (job_id bigint, prompt text, tags text[])
language sql stable security definer
set search_path from current
-- Few campaigns hold most jobs. The planner expects an average one, and would fetch and sort all of a large one for a page of fifty.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  select f.job_id, f.prompt, f.tags
  from campaigns c
  cross join lateral (
    select r.job_id, r.prompt, r.tags
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id < below
    order by r.job_id desc
    limit at_most) f
  where c.name = of_name
  order by f.job_id desc
  limit at_most
$$;
comment on function newest_of_campaign is 'Jobs of the campaigns of a name (tenants may share it) below an id, newest first; one walk through index job_recipes_by_campaign each.';

create function next_of_campaign(of_name text, above bigint, at_most int)
returns table (job_id bigint)
language sql stable security definer
set search_path from current
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  select f.job_id
  from campaigns c
  cross join lateral (
    select r.job_id
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id > above
    order by r.job_id
    limit at_most) f
  where c.name = of_name
  order by f.job_id
  limit at_most
$$;
comment on function next_of_campaign is 'The same above an id, oldest first.';

create function ended_without_picture(since timestamptz)
returns table (job_id bigint, campaign_id int, state text, outcome text)
language sql stable security definer
set search_path from current
-- Without a value the planner takes a third of all attempts for new, and would read attempts and jobs whole.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  select j.id, j.campaign_id, j.state, a.outcome
  from job_attempts a
  cross join lateral (
    select j.id, j.campaign_id, j.state
    from jobs j
    where j.id = a.job_id and j.state in ('failed', 'cancelled') and j.finished_at >= since
    limit 1) j
  where a.ended_at >= since
    -- The attempt that ended the job, not those it was retried after.
    and not exists (select from job_attempts later where later.job_id = a.job_id and later.id > a.id)
$$;
comment on function ended_without_picture is 'Jobs that failed or were cancelled since an instant and were not put back; costs what failed since then, through index job_attempts_by_end.';

create function drawn_since(since timestamptz)
returns table (pictures bigint, verified bigint, first_at timestamptz, last_at timestamptz, batches bigint, signatures bigint)
language sql stable security definer
set search_path from current
-- The planner takes all batches of the day before for under way, and would compile for longer than the rest takes.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  -- Batches count their own pictures; only of those that were under way at that instant each picture is looked at. A batch lasts minutes: a day before the
  -- instant finds them all.
  with drawn as (
    select b.signature, b.claimed_at, b.ended_at, b.pictures, b.verified
    from batches b
    where b.claimed_at >= since and b.pictures > 0
    union all
    select b.signature, since, b.ended_at, p.pictures, p.verified
    from batches b
    cross join lateral (
      select count(*) as pictures, count(*) filter (where i.part <= b.settled_parts) as verified
      from unnest(b.job_ids) u(id)
      join images i on i.job_id = u.id and i.batch_id = b.id and i.created_at >= since) p
    where b.claimed_at >= since - interval '1 day' and b.claimed_at < since and (b.ended_at is null or b.ended_at >= since) and p.pictures > 0),
  by_signature as (
    select sum(pictures) as pictures, sum(verified) as verified, min(claimed_at) as first_at, max(coalesce(ended_at, now())) as last_at, count(*) as batches
    from drawn
    group by signature)
  select coalesce(sum(pictures), 0)::bigint as pictures, coalesce(sum(verified), 0)::bigint as verified, min(first_at) as first_at, max(last_at) as last_at,
    coalesce(sum(batches), 0)::bigint as batches, count(*) as signatures
  from by_signature
$$;
comment on function drawn_since is 'What was drawn since an instant, whatever its campaign; reads the batches since then through index batches_by_time, not their pictures.';
