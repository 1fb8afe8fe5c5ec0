-- Who jobs belong to, and what they may name. What each table is for stands in its comment; db/README.md has the overview.

create table tenants (
  id int generated always as identity primary key,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  weight real not null default 1,
  paused boolean not null default false,
  max_priority smallint not null default 100,
  created_at timestamptz not null default now(),
  constraint tenants_name_key_unique unique (name_key),
  constraint tenants_name_valid check (char_length(name) between 1 and 100 and name = btrim(name)),
  constraint tenants_weight_range check (weight between 0.001 and 1000),
  constraint tenants_max_priority_range check (max_priority between -100 and 100)
);
comment on table tenants is 'Who jobs belong to; tenants share the workers by weight.';
comment on column tenants.max_priority is 'Higher priorities asked for are lowered to this one.';
insert into tenants (name) values ('default');

create table tenant_roles (
  role_name name primary key,
  tenant_id int not null references tenants
);
comment on table tenant_roles is 'Database roles that act for one tenant; a role not listed acts for the default tenant.';

create table models (
  id int generated always as identity primary key,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  path text not null,
  family text not null,
  sha256 text not null,
  native_width int not null default 512,
  native_height int not null default 512,
  files jsonb not null default '[]',
  prediction text,
  paused boolean not null default false,
  registered_at timestamptz not null default now(),
  constraint models_name_key_unique unique (name_key),
  constraint models_name_valid check (name ~ '^[[:alnum:]._-]([[:alnum:]._ -]{0,98}[[:alnum:]._-])?$'),
  constraint models_family_present check (family <> ''),
  constraint models_prediction_known check (prediction in ('epsilon', 'v_prediction')),
  constraint models_native_size check (native_width between 8 and 8192 and native_height between 8 and 8192)
);
comment on table models is 'Base models that jobs may name, with the digest of their master files.';
comment on column models.prediction is 'What the network predicts, where it was said at registration; null leaves it to the files.';

create table adapters (
  id int generated always as identity primary key,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  path text not null,
  sha256 text not null,
  size_bytes bigint not null,
  format text not null,
  algorithm text not null,
  family text not null default '',
  min_rank int not null default 0,
  max_rank int not null default 0,
  module_count int not null default 0,
  trigger_words text[] not null default '{}',
  registered_at timestamptz not null default now(),
  constraint adapters_name_key_unique unique (name_key),
  constraint adapters_name_valid check (name ~ '^[[:alnum:]._-]([[:alnum:]._ -]{0,98}[[:alnum:]._-])?$')
);
comment on table adapters is 'Adapter files that jobs may name.';
comment on column adapters.family is 'Model family the file fits; empty when the file does not tell, which fits any model.';
