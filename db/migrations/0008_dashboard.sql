-- What the dashboard and the HTTP API keep: people, keys, schedules.

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
comment on table campaign_schedules is
  'Campaigns that are submitted again and again; each run is a campaign of its own, named after schedule and time.';
comment on column campaign_schedules.jobs is
  'The list as it was typed, CSV or JSON: each run reads it anew, so that 06:00 is the next one after that run.';
comment on column campaign_schedules.job_count is 'How many jobs it stands for.';
