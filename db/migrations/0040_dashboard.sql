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
  jobs text not null,
  job_count int not null,
  enabled boolean not null default true,
  last_run_at timestamptz,
  last_result text,
  created_at timestamptz not null default now(),
  constraint campaign_schedules_name_unique unique (name),
  constraint campaign_schedules_name_valid check (char_length(name) between 1 and 150),
  constraint campaign_schedules_jobs_present check (jobs <> '' and job_count > 0)
);
comment on table campaign_schedules is 'Campaigns that are submitted again and again; each run is a campaign of its own, named after schedule and time.';
comment on column campaign_schedules.jobs is 'The list as it was typed, CSV or JSON: each run reads it anew, so that 06:00 is the next one after that run.';
comment on column campaign_schedules.job_count is 'How many jobs it stands for.';

create index batches_by_time on batches (claimed_at);
comment on index batches_by_time is 'list_gallery of a day, list_throughput';
create index weight_checkpoints_with_faults on weight_checkpoints (id) where verdict <> 'passed';
comment on index weight_checkpoints_with_faults is 'list_faults';

create function waiting_signatures(from_priority int, after_signature text, after_lane int, at_most int)
returns table (priority smallint, signature text, lane_id int, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint, oldest_at timestamptz)
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
      -- Rows of one signature stand in the order of their lanes: a lane that comes after the last one shown still has that signature to show. Others go on with the text that follows it.
      where j.shelf = 'ready' and j.lane_id = l.id
        and j.signature >= case when l.priority < from_priority then '' when l.id > after_lane then after_signature else after_signature || chr(1) end collate "C"
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
  select p.priority, p.signature, p.lane_id, m.name as model, m.paused as model_paused, t.name as tenant, t.paused as tenant_paused, c.waiting, f.oldest_at
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

create function picture_is_wanted(of_batch bigint, of_signature text, claimed_from timestamptz, claimed_to timestamptz) returns boolean
language plpgsql stable as $$
begin
  -- Most lists name neither: no look at the batch then.
  return (of_signature is null and claimed_from is null and claimed_to is null) or exists (
    select from batches b
    where b.id = of_batch
      and (of_signature is null or b.signature = of_signature)
      and (claimed_from is null or b.claimed_at >= claimed_from)
      and (claimed_to is null or b.claimed_at < claimed_to));
end $$;
comment on function picture_is_wanted is 'Whether the batch of a picture fits what a list asks for.';

create function pictures_of_campaign(of_name text, of_signature text, claimed_from timestamptz, claimed_to timestamptz, below bigint, at_most int, looks int)
returns table (job_id bigint, batch_id bigint)
language plpgsql stable security definer
set search_path from current
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Tenants may share a name.
  campaign_ids constant int[] := array(select c.id from campaigns c where c.name = of_name);
  place bigint := below;
  picture record;
  owned bigint;
  found_so_far int := 0;
begin
  for look in 1..looks loop
    -- Low ids are drawn first, so that most jobs of a campaign may lie above its newest picture. Two indexes take turns, each leaping to where the other stands:
    -- the next picture of anybody, then the next job of the campaign. Only where both meet is there a picture of the campaign.
    select i.job_id, i.batch_id into picture from images i where i.job_id < place order by i.job_id desc limit 1;
    if picture.job_id is null then return; end if;
    select max(f.job_id) into owned
    from unnest(campaign_ids) c(id)
    cross join lateral (
      select r.job_id from job_recipes r where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id <= picture.job_id order by r.job_id desc limit 1) f;
    if owned is null then return; end if;
    if owned < picture.job_id then
      place := owned + 1;
      continue;
    end if;
    place := owned;
    if picture_is_wanted(picture.batch_id, of_signature, claimed_from, claimed_to) then
      job_id := picture.job_id;
      batch_id := picture.batch_id;
      return next;
      found_so_far := found_so_far + 1;
      if found_so_far = at_most then return; end if;
    end if;
  end loop;
  job_id := place;
  batch_id := null;
  return next;
end $$;
comment on function pictures_of_campaign is 'Pictures of the campaigns of a name below a job, newest job first. A last row without batch says that the looks were used up, and below which job to go on.';

create function newer_picture_of_campaign(of_name text, of_signature text, claimed_from timestamptz, claimed_to timestamptz, above bigint, looks int) returns bigint
language plpgsql stable security definer
set search_path from current
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  campaign_ids constant int[] := array(select c.id from campaigns c where c.name = of_name);
  place bigint := above;
  picture record;
  owned bigint;
begin
  for look in 1..looks loop
    select i.job_id, i.batch_id into picture from images i where i.job_id > place order by i.job_id limit 1;
    if picture.job_id is null then return null; end if;
    select min(f.job_id) into owned
    from unnest(campaign_ids) c(id)
    cross join lateral (
      select r.job_id from job_recipes r where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id >= picture.job_id order by r.job_id limit 1) f;
    if owned is null then return null; end if;
    if owned > picture.job_id then
      place := owned - 1;
      continue;
    end if;
    place := owned;
    if picture_is_wanted(picture.batch_id, of_signature, claimed_from, claimed_to) then return owned; end if;
  end loop;
  return null;
end $$;
comment on function newer_picture_of_campaign is 'The same upwards: the first picture above a job, or null.';

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
