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

create function raise_waiting(model_name text, wanted_signature text, from_priority int, to_priority int, at_most int) returns int
language plpgsql security definer set search_path from current as $$
declare
  changed int;
begin
  if to_priority not between -100 and 100 then
    perform refuse('priority', null, format('expected a whole number from -100 to 100, got %s.', to_priority));
  end if;
  insert into lanes (model_id, priority, tenant_id)
  select l.model_id, least(to_priority, t.max_priority), l.tenant_id
  from lanes l join models m on m.id = l.model_id join tenants t on t.id = l.tenant_id
  where m.name_key = lower(model_name) and l.priority = from_priority
  on conflict do nothing;
  -- In id order, so that two people who raise the same jobs cannot wait for each other.
  with wanted as (
    select j.id, j.lane_id, n.id as new_lane
    from lanes l
    join models m on m.id = l.model_id and m.name_key = lower(model_name)
    join tenants t on t.id = l.tenant_id
    join lanes n on n.model_id = l.model_id and n.tenant_id = l.tenant_id and n.priority = least(to_priority, t.max_priority)
    join jobs j on j.lane_id = l.id and j.shelf = 'ready' and j.signature = wanted_signature
    where l.priority = from_priority and n.id <> l.id
    order by j.id limit at_most for update of j skip locked),
  moved as (
    update jobs j set lane_id = w.new_lane from wanted w where j.id = w.id
    returning j.id, j.campaign_id, w.lane_id as old_lane, w.new_lane),
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
comment on function raise_waiting is 'Gives waiting jobs of a signature another priority; returns how many changed.';
