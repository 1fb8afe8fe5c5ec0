-- What the migrations add up to, written by a test for people to read. Change it by a new migration, then see SchemaFileTests.

-- People who may log in to the dashboard.
table accounts (
  id integer generated always as identity not null,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  password_hash text not null,
  role text not null,
  created_at timestamp with time zone default now() not null,
  constraint accounts_name_key_unique UNIQUE (name_key),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_name_valid CHECK ((name ~ '^[[:alnum:]._@-]{1,100}$'::text)),
  constraint accounts_role_known CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text])))
);

-- Adapter files that jobs may name.
table adapters (
  id integer generated always as identity not null,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  path text not null,
  sha256 text not null,
  size_bytes bigint not null,
  format text not null,
  algorithm text not null,
  family text default ''::text not null,
  min_rank integer default 0 not null,
  max_rank integer default 0 not null,
  module_count integer default 0 not null,
  trigger_words text[] default '{}'::text[] not null,
  registered_at timestamp with time zone default now() not null,
  constraint adapters_name_key_unique UNIQUE (name_key),
  constraint adapters_pkey PRIMARY KEY (id),
  constraint adapters_name_valid CHECK ((name ~ '^[[:alnum:]._-]([[:alnum:]._ -]{0,98}[[:alnum:]._-])?$'::text))
);

-- Keys of the HTTP API, by SHA-256: the key itself is shown once and kept nowhere.
table api_keys (
  id integer generated always as identity not null,
  name text not null,
  hash bytea not null,
  role text not null,
  tenant_id integer,
  created_at timestamp with time zone default now() not null,
  revoked_at timestamp with time zone,
  constraint api_keys_hash_unique UNIQUE (hash),
  constraint api_keys_name_unique UNIQUE (name),
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint api_keys_hash_length CHECK ((octet_length(hash) = 32)),
  constraint api_keys_role_known CHECK ((role = ANY (ARRAY['viewer'::text, 'submitter'::text, 'operator'::text]))),
  constraint api_keys_submitter_has_tenant CHECK (((role <> 'submitter'::text) OR (tenant_id IS NOT NULL)))
);

-- Ended jobs past their retention: recipe, image, attempts as JSON, out of the way of the queue.
table archived_jobs (
  job_id bigint not null,
  tenant text not null,
  campaign text,
  state text not null,
  signature text collate "C" not null,
  finished_at timestamp with time zone not null,
  job jsonb not null,
  constraint archived_jobs_pkey PRIMARY KEY (job_id)
);

-- Jobs of one signature leased to one worker. The lease, its fencing epoch and the verdict of the checkpoint live here, so that a heartbeat
-- or a checkpoint writes one row, not one per job.
table batches (
  id bigint generated always as identity not null,
  epoch bigint default ((EXTRACT(epoch FROM clock_timestamp()) * (1000000)::numeric))::bigint not null,
  worker_id uuid not null,
  claimed_at timestamp with time zone default clock_timestamp() not null,
  lease_expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  verified_at timestamp with time zone,
  checkpoint_id bigint,
  group_id integer not null,
  step integer default 0 not null,
  steps integer default 0 not null,
  finished integer default 0 not null,
  unended integer not null,
  completions integer default 0 not null,
  checked_completions integer default 0 not null,
  images integer default 0 not null,
  verified integer default 0 not null,
  fused boolean not null,
  state text default 'open'::text not null,
  signature text collate "C" not null,
  job_ids bigint[] not null,
  renewed_at timestamp with time zone default clock_timestamp() not null,
  lease interval default '00:01:00'::interval not null,
  constraint batches_pkey PRIMARY KEY (id),
  constraint batches_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id),
  constraint batches_completions_order CHECK (((checked_completions >= 0) AND (checked_completions <= completions))),
  constraint batches_ended_when_not_open CHECK (((ended_at IS NULL) = (state = 'open'::text))),
  constraint batches_state_known CHECK ((state = ANY (ARRAY['open'::text, 'ended'::text, 'lost'::text]))),
  constraint batches_unended_range CHECK ((unended >= 0))
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.05);

-- Batches that recorded images of a campaign, one row for each batch and campaign: where a campaign of a million jobs has its images, and
-- from when to when it was drawn.
table campaign_batches (
  campaign_id integer not null,
  batch_id bigint not null,
  constraint campaign_batches_pkey PRIMARY KEY (campaign_id, batch_id)
);

-- Campaigns that are submitted again and again; each run is a campaign of its own, named after schedule and time.
table campaign_schedules (
  id integer generated always as identity not null,
  name text not null,
  cron text not null,
  time_zone text default 'UTC'::text not null,
  jobs text not null,
  job_count integer not null,
  enabled boolean default true not null,
  last_run_at timestamp with time zone,
  last_result text,
  created_at timestamp with time zone default now() not null,
  constraint campaign_schedules_name_unique UNIQUE (name),
  constraint campaign_schedules_pkey PRIMARY KEY (id),
  constraint campaign_schedules_jobs_present CHECK (((jobs <> ''::text) AND (job_count > 0))),
  constraint campaign_schedules_name_valid CHECK (((char_length(name) >= 1) AND (char_length(name) <= 150)))
);

-- Named bulk requests; made when a job first names one.
table campaigns (
  id integer generated always as identity not null,
  tenant_id integer not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  reported_at timestamp with time zone,
  constraint campaigns_name_unique UNIQUE (tenant_id, name),
  constraint campaigns_pkey PRIMARY KEY (id),
  constraint campaigns_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint campaigns_name_valid CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);

-- Canary renders and how they compare with the first one of the same model, device, compute type and recipe.
table canaries (
  id bigint generated always as identity not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  worker_id uuid not null,
  batch_id bigint,
  model text not null,
  model_sha256 text not null,
  device text not null,
  compute_type text not null,
  recipe text not null,
  verdict text not null,
  digest text not null,
  psnr double precision,
  ssim double precision,
  elapsed_ms double precision not null,
  image bytea not null,
  constraint canaries_pkey PRIMARY KEY (id),
  constraint canaries_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id),
  constraint canaries_created_at_in_range CHECK (((created_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (created_at <
    '10000-01-01 00:00:00+00'::timestamp with time zone))) NOT VALID,
  constraint canaries_verdict_known CHECK ((verdict = ANY (ARRAY['first'::text, 'equal'::text, 'close'::text, 'differs'::text])))
);

-- Holds no rows: locked by the one session that folds counts.
table counts_lock (

);

-- Combinations of model, priority and tenant that jobs have had; only grows.
table dispatch_groups (
  id integer generated always as identity not null,
  model_id integer not null,
  priority smallint not null,
  tenant_id integer not null,
  constraint dispatch_groups_model_id_fkey FOREIGN KEY (model_id) REFERENCES models(id),
  constraint dispatch_groups_pkey PRIMARY KEY (id),
  constraint dispatch_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint dispatch_groups_unique UNIQUE (model_id, priority, tenant_id)
);

-- When jobs may be claimed. A dispatch group to which enabled windows apply is open while one of them is; a dispatch group without any is
-- always open.
table dispatch_windows (
  id integer generated always as identity not null,
  name text not null,
  tenant_id integer,
  model_id integer,
  time_zone text default 'UTC'::text not null,
  opens time without time zone not null,
  closes time without time zone not null,
  weekdays integer[] default '{1,2,3,4,5,6,7}'::integer[] not null,
  exempt_priority smallint,
  enabled boolean default true not null,
  constraint dispatch_windows_model_id_fkey FOREIGN KEY (model_id) REFERENCES models(id),
  constraint dispatch_windows_name_key UNIQUE (name),
  constraint dispatch_windows_pkey PRIMARY KEY (id),
  constraint dispatch_windows_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint dispatch_windows_weekdays CHECK ((weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7])),
  constraint dispatch_windows_zone_known CHECK ((timezone(time_zone, '1970-01-01 00:00:00+00'::timestamp with time zone) IS NOT NULL))
);

-- First job submitted under each key of a tenant.
table idempotency_keys (
  tenant_id integer not null,
  key text collate "C" not null,
  job_id bigint not null,
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, key)
);

-- The saved image of each succeeded job. Whether it is verified follows from its batch: view results.
table images (
  job_id bigint not null,
  batch_id bigint not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  size_bytes bigint not null,
  seed bigint not null,
  completion integer not null,
  width integer not null,
  height integer not null,
  sha256 bytea not null,
  path text not null,
  recipe jsonb not null,
  constraint images_pkey PRIMARY KEY (job_id),
  constraint images_path_relative CHECK (((path <> ''::text) AND (path !~ '(^/|\\|(^|/)\.\.(/|$))'::text))),
  constraint images_sha256_length CHECK ((octet_length(sha256) = 32))
);

-- Attempts that did not end in an image; the one that did is the row in images.
table job_attempts (
  id bigint generated always as identity not null,
  job_id bigint not null,
  attempt smallint not null,
  counted boolean not null,
  code text not null,
  message text not null,
  worker_id uuid,
  batch_id bigint,
  started_at timestamp with time zone,
  ended_at timestamp with time zone default clock_timestamp() not null,
  constraint job_attempts_pkey PRIMARY KEY (id),
  constraint job_attempts_code_known CHECK ((code = ANY (ARRAY['invalid_job'::text, 'adapter'::text, 'model'::text, 'generation'::text,
    'output'::text, 'worker_lost'::text, 'weight_integrity'::text, 'deadline_passed'::text, 'cancelled'::text, 'requeued'::text])))
);

-- Changes of counts not folded yet; only appended to, emptied by fold_counts().
table job_count_changes (
  group_id integer not null,
  campaign_id integer not null,
  state text not null,
  change bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

-- Folded counts by dispatch group, campaign and state; state verified counts images beside the five job states, and fusions counts batches
-- that switched signature.
table job_counts (
  group_id integer not null,
  campaign_id integer not null,
  state text not null,
  count bigint not null,
  constraint job_counts_pkey PRIMARY KEY (group_id, campaign_id, state)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200);

-- Which jobs ended lately, for ended_jobs; rows go after a quarter of an hour.
table job_endings (
  xact xid8 default pg_current_xact_id() not null,
  ended_at timestamp with time zone default clock_timestamp() not null,
  job_ids bigint[] not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);

-- What each job renders, apart from its signature; written once.
table job_recipes (
  job_id bigint not null,
  created_at timestamp with time zone default now() not null,
  tenant_id integer not null,
  campaign_id integer default 0 not null,
  tags text[],
  recipe jsonb not null,
  constraint job_recipes_pkey PRIMARY KEY (job_id),
  constraint job_recipes_recipe_is_object CHECK ((jsonb_typeof(recipe) = 'object'::text))
);

-- One row per requested image: the narrow part that claims and completions rewrite.
table jobs (
  id bigint generated always as identity not null,
  run_at timestamp with time zone not null,
  deadline timestamp with time zone,
  finished_at timestamp with time zone,
  batch_id bigint,
  group_id integer not null,
  campaign_id integer default 0 not null,
  attempts smallint default 0 not null,
  max_attempts smallint not null,
  batch_limit smallint default 32767 not null,
  state text default 'queued'::text not null,
  indexed_state text,
  signature text collate "C" not null,
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_counts_in_range CHECK (((attempts >= 0) AND ((max_attempts >= 1) AND (max_attempts <= 100)) AND (batch_limit >= 1))),
  constraint jobs_state_fits CHECK (COALESCE(
CASE state
    WHEN 'queued'::text THEN ((indexed_state = ANY (ARRAY['ready'::text, 'scheduled'::text])) AND (finished_at IS NULL))
    WHEN 'running'::text THEN ((indexed_state IS NULL) AND (batch_id IS NOT NULL) AND (finished_at IS NULL))
    WHEN 'succeeded'::text THEN ((indexed_state IS NULL) AND (finished_at IS NOT NULL))
    WHEN 'failed'::text THEN ((indexed_state = 'failed'::text) AND (finished_at IS NOT NULL))
    WHEN 'cancelled'::text THEN ((indexed_state = 'cancelled'::text) AND (finished_at IS NOT NULL))
    ELSE NULL::boolean
END, false))
) with (fillfactor=75, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0.1,
  autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_cost_delay=1);

-- Loads that are being submitted or discarded. A row is deleted by the transaction that wrote it, so none is ever seen: who writes the same
-- one waits for that transaction.
table load_locks (
  staged_by name not null,
  load text not null,
  constraint load_locks_pkey PRIMARY KEY (staged_by, load)
);

-- Logins that have not ended, by SHA-256 of the random text that the cookie holds.
table login_sessions (
  hash bytea not null,
  account_id integer not null,
  created_at timestamp with time zone default now() not null,
  constraint login_sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE,
  constraint login_sessions_pkey PRIMARY KEY (hash),
  constraint login_sessions_hash_length CHECK ((octet_length(hash) = 32))
);

-- Base models that jobs may name, with the digest of their master files.
table models (
  id integer generated always as identity not null,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  path text not null,
  family text not null,
  sha256 text not null,
  native_width integer default 512 not null,
  native_height integer default 512 not null,
  files jsonb default '[]'::jsonb not null,
  prediction text,
  paused boolean default false not null,
  registered_at timestamp with time zone default now() not null,
  resumed_at timestamp with time zone,
  constraint models_name_key_unique UNIQUE (name_key),
  constraint models_pkey PRIMARY KEY (id),
  constraint models_family_present CHECK ((family <> ''::text)),
  constraint models_name_valid CHECK ((name ~ '^[[:alnum:]._-]([[:alnum:]._ -]{0,98}[[:alnum:]._-])?$'::text)),
  constraint models_native_size CHECK ((((native_width >= 8) AND (native_width <= 8192)) AND ((native_height >= 8) AND (native_height <=
    8192)))),
  constraint models_prediction_known CHECK ((prediction = ANY (ARRAY['epsilon'::text, 'v_prediction'::text])))
);

-- Holds no rows: locked by the one program that rebuilds indexes.
table reindex_lock (

);

-- Holds no rows: locked by the one program that removes what is past its retention.
table retention_lock (

);

-- Files of db/functions that were put in: the digest of their text and the routines they made; nothing for a view.
table schema_functions (
  name text not null,
  sha256 text not null,
  made text[] not null,
  constraint schema_functions_pkey PRIMARY KEY (name)
);

-- Holds no rows: locked by the one program that migrates, which only the owner can.
table schema_lock (

);

-- Migrations applied, with the digest of their text.
table schema_migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default clock_timestamp() not null,
  constraint schema_migrations_pkey PRIMARY KEY (name)
);

-- How far the schema is, and which programs it serves.
table schema_version (
  only_row boolean default true not null,
  number integer not null,
  oldest_program text not null,
  migrated_by text not null,
  migrated_at timestamp with time zone default clock_timestamp() not null,
  constraint schema_version_pkey PRIMARY KEY (only_row),
  constraint schema_version_one_row CHECK (only_row)
);

-- One row for each hash of a signature: a claim that chooses a signature locks its row, so that another does not choose the same.
table signature_locks (
  slot integer not null,
  constraint signature_locks_pkey PRIMARY KEY (slot)
);

-- Rows on their way into the queue: filled by COPY, emptied by submit_staged. Unlogged: a crash of the server loses what was not submitted
-- yet.
table staged_jobs (
  job_id bigint default nextval('jobs_id_seq'::regclass) not null,
  staged_by name default SESSION_USER not null,
  staged_at timestamp with time zone default now() not null,
  load text default ''::text not null,
  recipe jsonb default '{}'::jsonb not null,
  model text,
  adapters text,
  campaign text,
  priority integer,
  run_at timestamp with time zone,
  deadline timestamp with time zone,
  max_attempts integer,
  tags text[],
  idempotency_key text,
  constraint staged_jobs_instants_in_range CHECK (((LEAST(run_at, deadline, staged_at) >= '0001-01-01 00:00:00+00'::timestamp with time
    zone) AND (GREATEST(run_at, deadline, staged_at) < '10000-01-01 00:00:00+00'::timestamp with time zone))) NOT VALID,
  constraint staged_jobs_texts_short CHECK (((octet_length(load) <= 1000) AND (COALESCE(octet_length(model), 0) <= 10000) AND
    (COALESCE(octet_length(adapters), 0) <= 200000) AND (COALESCE(octet_length(campaign), 0) <= 10000) AND
    (COALESCE(octet_length(idempotency_key), 0) <= 10000))) NOT VALID
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=50000 unlogged);

-- Start images that tenants sent, named by their SHA-256, and whose they are: the same image may be several tenants'. Images that people
-- put into the folder by hand, and those sent before this table was there, have no row and serve every tenant.
table start_images (
  name text collate "C" not null,
  tenant_id integer not null,
  size_bytes bigint not null,
  created_at timestamp with time zone default now() not null,
  constraint start_images_pkey PRIMARY KEY (name, tenant_id),
  constraint start_images_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint start_images_name_valid CHECK ((name ~ '^[0-9a-f]{64}\.(png|jpg|webp)$'::text)),
  constraint start_images_size_positive CHECK ((size_bytes > 0))
);

-- Database roles that act for one tenant; a role not listed acts for the default tenant.
table tenant_roles (
  role_name name not null,
  tenant_id integer not null,
  constraint tenant_roles_pkey PRIMARY KEY (role_name),
  constraint tenant_roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

-- Who jobs belong to; tenants share the workers by weight.
table tenants (
  id integer generated always as identity not null,
  name text not null,
  name_key text generated always as (lower(name)) stored,
  weight real default 1 not null,
  paused boolean default false not null,
  max_priority smallint default 100 not null,
  created_at timestamp with time zone default now() not null,
  resumed_at timestamp with time zone,
  constraint tenants_name_key_unique UNIQUE (name_key),
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_max_priority_range CHECK (((max_priority >= '-100'::integer) AND (max_priority <= 100))),
  constraint tenants_name_valid CHECK ((((char_length(name) >= 1) AND (char_length(name) <= 100)) AND (name = btrim(name)))),
  constraint tenants_weight_range CHECK (((weight >= (0.001)::double precision) AND (weight <= (1000)::double precision)))
);

-- Running jobs that a session outside, such as a producer that cancels and has not committed, held locked when their batch ended;
-- rescue_expired requeues those that are not cancelled then.
table unsettled_jobs (
  job_id bigint not null,
  batch_id bigint not null,
  constraint unsettled_jobs_pkey PRIMARY KEY (job_id)
);

-- Checksums of base weights against their baseline, after each unload.
table weight_checkpoints (
  id bigint generated always as identity not null,
  worker_id uuid not null,
  batch_id bigint,
  model text not null,
  device text not null,
  compute_type text not null,
  verdict text not null,
  expected_digest text not null,
  actual_digest text not null,
  tensors integer not null,
  size_bytes bigint not null,
  drifted_tensors text[] default '{}'::text[] not null,
  elapsed_ms double precision not null,
  reloaded_tensors integer,
  reloaded_bytes bigint,
  reload_ms double precision,
  images_verified integer default 0 not null,
  jobs_requeued integer default 0 not null,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint weight_checkpoints_pkey PRIMARY KEY (id),
  constraint weight_checkpoints_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id),
  constraint weight_checkpoints_verdict_known CHECK ((verdict = ANY (ARRAY['passed'::text, 'drifted'::text, 'restored'::text,
    'unrecoverable'::text])))
);

-- What a worker lacks on its machine: an adapter or model whose files it cannot find, read or verify, or room for its images. It claims
-- nothing that needs it, and a row goes when the worker finds it again.
table worker_lacks (
  worker_id uuid not null,
  kind text not null,
  name text not null,
  sha256 text not null,
  reason text not null,
  since timestamp with time zone default clock_timestamp() not null,
  looked_at timestamp with time zone default clock_timestamp() not null,
  constraint worker_lacks_pkey PRIMARY KEY (worker_id, kind, name),
  constraint worker_lacks_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id) ON DELETE CASCADE,
  constraint worker_lacks_kind_known CHECK ((kind = ANY (ARRAY['adapter'::text, 'model'::text, 'output'::text, 'start_image'::text])))
);

-- Worker processes by start; each start is a new row.
table workers (
  id uuid not null,
  name text not null,
  device text not null,
  device_description text not null,
  compute_type text not null,
  started_at timestamp with time zone default now() not null,
  heartbeat_at timestamp with time zone default now() not null,
  stopped_at timestamp with time zone,
  stop_reason text,
  paused boolean default false not null,
  draining boolean default false not null,
  adapter_cache_hits bigint default 0 not null,
  adapter_cache_misses bigint default 0 not null,
  adapter_cache_bytes bigint default 0 not null,
  canary_ordered boolean default false not null,
  models text[],
  set_aside_at timestamp with time zone,
  set_aside_reason text,
  constraint workers_pkey PRIMARY KEY (id),
  constraint workers_instants_in_range CHECK (((LEAST(started_at, heartbeat_at, stopped_at) >= '0001-01-01 00:00:00+00'::timestamp with time
    zone) AND (GREATEST(started_at, heartbeat_at, stopped_at) < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint workers_set_aside_has_reason CHECK (((set_aside_at IS NULL) = (set_aside_reason IS NULL))),
  constraint workers_set_aside_in_range CHECK (((set_aside_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (set_aside_at <
    '10000-01-01 00:00:00+00'::timestamp with time zone)))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=100);

-- A job request after every rule was checked and every default filled in.
type checked_job (
  model_id integer,
  priority integer,
  campaign text,
  run_at timestamp with time zone,
  deadline timestamp with time zone,
  max_attempts integer,
  signature text,
  tags text[],
  idempotency_key text,
  recipe jsonb
);

-- What a worker carries from one claim to its next: claim_batch returns it as jsonb with these keys and takes it back. A claim without it,
-- or with keys missing, chooses rightly too; it only takes longer.
type claim_memory (
  signature text,
  batches integer,
  virtual_time double precision,
  served jsonb,
  requeues bigint,
  scanned_at timestamp with time zone,
  scan_starts jsonb,
  last_ids jsonb
);

-- What the steps of claim_batch hand on: what was asked, then what each step found.
type claim_state (
  worker_id uuid,
  models text[],
  max_jobs integer,
  max_wait interval,
  max_batches integer,
  max_pixels bigint,
  started timestamp with time zone,
  memory claim_memory,
  groups waiting_group[],
  fused_place integer,
  fused_run_at timestamp with time zone,
  signature text,
  place integer,
  batches_spent integer,
  job_ids bigint[],
  job_attempts smallint[],
  job_rows tid[],
  job_places integer[],
  lacking_adapters text[],
  lacking_models text[]
);

-- What a spelling of model and adapters in a staged load stands for, and what its recipes have where rows leave fields out.
type job_spelling (
  model text,
  adapters text,
  model_id integer,
  signature text,
  defaults jsonb
);

-- A signature and the place, among the waiting groups of a claim, of the group that it was found in; both null for none.
type signature_choice (
  signature text,
  place integer
);

-- A dispatch group of the chosen priority level that has work, with its oldest waiting job.
type waiting_group (
  group_id integer,
  model text,
  tenant_id integer,
  weight real,
  virtual_time double precision,
  first_signature text,
  first_run_at timestamp with time zone
);

-- archived_jobs: what became of a campaign, for people who ask
CREATE INDEX archived_jobs_by_campaign ON archived_jobs USING btree (campaign, job_id) WHERE (campaign IS NOT NULL);

-- prune_archive: rows past their retention
CREATE INDEX archived_jobs_by_end ON archived_jobs USING btree (finished_at);

-- claim_batch: whether another live worker holds the signature
CREATE INDEX batches_by_signature ON batches USING btree (signature, lease_expires_at);

-- drawn_since, list_gallery, list_throughput: batches of a day
CREATE INDEX batches_by_time ON batches USING btree (claimed_at);

-- list_workers: the newest batch of a worker
CREATE INDEX batches_by_worker ON batches USING btree (worker_id, id);

-- rescue_expired, list_ids_running: batches under lease
CREATE INDEX batches_open ON batches USING btree (lease_expires_at) WHERE (state = 'open'::text);

-- record_checkpoint, rescue_expired: batches with images that no checkpoint has judged
CREATE INDEX batches_unchecked ON batches USING btree (worker_id) WHERE (checked_completions < completions);

-- list_ended_campaigns: those that may have ended since
CREATE INDEX campaigns_unreported ON campaigns USING btree (id) WHERE (reported_at IS NULL);

-- list_canaries: the newest, those of a night or of a campaign
CREATE INDEX canaries_by_time ON canaries USING btree (created_at, id);

-- prune_history: whether a worker drew any
CREATE INDEX canaries_by_worker ON canaries USING btree (worker_id, id);

-- find_canary: the image to compare with
CREATE INDEX canaries_first ON canaries USING btree (model_sha256, device, compute_type, recipe, id) WHERE (verdict = 'first'::text);

-- archive_jobs: keys of jobs that leave
CREATE INDEX idempotency_keys_by_job ON idempotency_keys USING btree (job_id);

-- ended_without_image: what failed or was cancelled in a night
CREATE INDEX job_attempts_by_end ON job_attempts USING btree (ended_at);

-- find_jobs, results, job_status, job_history: attempts of a job, the last one first
CREATE INDEX job_attempts_by_job ON job_attempts USING btree (job_id, id);

-- count_jobs, list_campaigns: counts of a campaign
CREATE INDEX job_counts_by_campaign ON job_counts USING btree (campaign_id) WHERE (campaign_id <> 0);

-- ended_jobs: what committed since a snapshot
CREATE INDEX job_endings_by_xact ON job_endings USING btree (xact);

-- newest_of_campaign, images_of_campaign, count_fusions: jobs of a campaign, newest first
CREATE INDEX job_recipes_by_campaign ON job_recipes USING btree (campaign_id, job_id) WHERE (campaign_id <> 0);

-- list_ids_with_tag: jobs with a tag that few have
CREATE INDEX job_recipes_by_tag ON job_recipes USING gin (tags) WHERE (tags IS NOT NULL);

-- list_ids_of_tenant: jobs of a tenant, newest first, however many others have
CREATE INDEX job_recipes_by_tenant ON job_recipes USING btree (tenant_id, job_id);

-- claim_batch: whether a dispatch group has work and who waits longest; submit_jobs: whether a notification is due
CREATE INDEX jobs_by_age ON jobs USING btree (group_id, run_at) WHERE (indexed_state = 'ready'::text);

-- claim_batch: jobs of a signature, and the next signature in text order
CREATE INDEX jobs_by_signature ON jobs USING btree (group_id, signature, id) WHERE (indexed_state = 'ready'::text);

-- list_ids_cancelled, list_ids_in_state_of_campaign: cancelled jobs, newest first
CREATE INDEX jobs_cancelled ON jobs USING btree (id) WHERE (indexed_state = 'cancelled'::text);

-- list_ids_failed, list_ids_in_state_of_campaign, retry_failed: failed jobs, newest or oldest first
CREATE INDEX jobs_failed ON jobs USING btree (id) WHERE (indexed_state = 'failed'::text);

-- list_failure_reasons: failed jobs of a campaign, newest first
CREATE INDEX jobs_failed_by_campaign ON jobs USING btree (campaign_id, id) WHERE ((indexed_state = 'failed'::text) AND (campaign_id <> 0));

-- advance_clock: jobs whose start time or retry has come
CREATE INDEX jobs_scheduled ON jobs USING btree (run_at) WHERE (indexed_state = 'scheduled'::text);

-- list_ids_queued, list_ids_in_state_of_campaign, cancel_waiting: waiting jobs, newest or oldest first
CREATE INDEX jobs_waiting ON jobs USING btree (id) WHERE (indexed_state = ANY (ARRAY['ready'::text, 'scheduled'::text]));

-- advance_clock: waiting jobs whose deadline passed
CREATE INDEX jobs_with_deadline ON jobs USING btree (deadline) WHERE ((deadline IS NOT NULL) AND (indexed_state = ANY (ARRAY['ready'::text,
  'scheduled'::text])));

-- delete_account: the logins of an account end with it
CREATE INDEX login_sessions_by_account ON login_sessions USING btree (account_id);

-- insert_login_session: logins that have lasted too long
CREATE INDEX login_sessions_by_time ON login_sessions USING btree (created_at);

-- submit_staged: the rows of a load
CREATE INDEX staged_jobs_by_load ON staged_jobs USING btree (load, staged_by);

-- keep_start_image: how much a tenant has sent
CREATE INDEX start_images_by_tenant ON start_images USING btree (tenant_id) INCLUDE (size_bytes);

-- count_checkpoints_between: those of a night, or of a campaign
CREATE INDEX weight_checkpoints_by_time ON weight_checkpoints USING btree (created_at);

-- list_checkpoints_of_worker: the newest; prune_history: whether a worker has any
CREATE INDEX weight_checkpoints_by_worker ON weight_checkpoints USING btree (worker_id, id);

-- list_faults, list_faults_between: checkpoints that did not pass
CREATE INDEX weight_checkpoints_with_faults ON weight_checkpoints USING btree (id) WHERE (verdict <> 'passed'::text);

-- Adapters that jobs may name, without where they lie.
view available_adapters as
SELECT a.name,
    a.family,
    a.algorithm,
    a.trigger_words
   FROM adapters a;

-- Models that jobs may name, without where they lie.
view available_models as
SELECT m.name,
    m.family,
    m.native_width,
    m.native_height,
    m.paused
   FROM models m;

-- Every ended attempt of each job. The outcome is succeeded or a failure code; for a success the message is the path of the image.
view job_history as
SELECT a.job_id,
    a.attempt,
    a.counted,
    a.code AS outcome,
    a.message,
    w.name AS worker,
    a.batch_id,
    a.started_at,
    a.ended_at
   FROM job_attempts a
     LEFT JOIN workers w ON w.id = a.worker_id
UNION ALL
 SELECT i.job_id,
    j.attempts AS attempt,
    true AS counted,
    'succeeded'::text AS outcome,
    i.path AS message,
    w.name AS worker,
    i.batch_id,
    i.claimed_at AS started_at,
    i.created_at AS ended_at
   FROM saved_images i
     JOIN jobs j ON j.id = i.job_id
     LEFT JOIN workers w ON w.id = i.worker_id;

-- Ended jobs of the tenants this session may see, with their image, whether it is verified, or why there is none.
view results as
SELECT j.id AS job_id,
    behind_barrier(t.name) AS tenant,
    behind_barrier(c.name) AS campaign,
    behind_barrier(j.state) AS state,
    behind_barrier(j.signature) AS signature,
    behind_barrier(i.path) AS path,
    behind_barrier(i.size_bytes) AS size_bytes,
    behind_barrier(encode(i.sha256, 'hex'::text)) AS sha256,
    behind_barrier(i.width) AS width,
    behind_barrier(i.height) AS height,
    behind_barrier(i.seed) AS seed,
    behind_barrier(i.recipe) AS recipe,
    behind_barrier(j.finished_at) AS finished_at,
    behind_barrier(i.verified_at) AS verified_at,
    behind_barrier(i.checkpoint_id) AS checkpoint_id,
    behind_barrier(a.code) AS failure_code,
    behind_barrier(a.message) AS failure_message
   FROM jobs j
     JOIN dispatch_groups g ON g.id = j.group_id
     JOIN tenants t ON t.id = g.tenant_id
     LEFT JOIN campaigns c ON c.id = j.campaign_id
     LEFT JOIN saved_images i ON i.job_id = j.id
     LEFT JOIN LATERAL ( SELECT job_attempts.code,
            job_attempts.message
           FROM job_attempts
          WHERE job_attempts.job_id = j.id AND (j.state = ANY (ARRAY['failed'::text, 'cancelled'::text]))
          ORDER BY job_attempts.id DESC
         LIMIT 1) a ON true
  WHERE (j.state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) AND ((( SELECT caller_tenant(NULL::text) AS
    caller_tenant)) IS NULL OR g.tenant_id = (( SELECT caller_tenant(NULL::text) AS caller_tenant))) -- security_barrier=true;

-- Samplers that jobs may name, in the order that help texts list them.
view samplers as
SELECT s.name,
    s."position"::integer AS "position"
   FROM unnest(sampler_choices()) WITH ORDINALITY s(name, "position");

-- Images with the verdict on them: an image is verified when a passed checkpoint has checked the completion of its batch that recorded it.
view saved_images as
SELECT i.job_id,
    i.batch_id,
    i.created_at,
    i.path,
    i.size_bytes,
    i.sha256,
    i.width,
    i.height,
    i.seed,
    i.recipe,
    b.claimed_at,
    b.worker_id,
        CASE
            WHEN i.completion <= b.checked_completions THEN b.verified_at
            ELSE NULL::timestamp with time zone
        END AS verified_at,
        CASE
            WHEN i.completion <= b.checked_completions THEN b.checkpoint_id
            ELSE NULL::bigint
        END AS checkpoint_id,
    i.completion > b.checked_completions AS is_unchecked
   FROM images i
     LEFT JOIN batches b ON b.id = i.batch_id;

-- Makes due jobs ready and fails those past their deadline, at most so many of each; returns how many in all.
function advance_clock(at_most integer DEFAULT 5000) returns integer;

-- Makes due jobs ready and fails those past their deadline, some ten thousands at most.
function advance_clock_fully() returns void;

-- How many of some jobs, in their order, may form one batch.
function allowed_batch_size(job_ids bigint[], batch_limits smallint[], max_pixels bigint) returns integer;

-- Grants each role what it needs and takes from everybody what they get by default.
function apply_grants() returns ;

-- Gives functions their planner settings, and those that run as the owner their search path.
function apply_settings() returns ;

-- Moves those of the next at_most jobs after an id to archived_jobs that ended before their retention; returns how many, and the id to go
-- on after, null at the end. Their images' files stay.
function archive_jobs(older_than interval, at_most integer DEFAULT 5000, after_id bigint DEFAULT 0, OUT moved integer, OUT last_id bigint)
  returns record -- security definer;

-- Step of claim_batch: what was asked, what the worker lacks, and what it remembers.
function begin_claim(by_worker uuid, of_models text[], max_jobs integer, max_wait interval, max_batches integer, memory jsonb, max_pixels
  bigint) returns claim_state;

-- The value itself, as a column of a view of which no plan (explain analyze) counts rows of other tenants that meet a condition.
function behind_barrier(value anyelement) returns anyelement;

-- How many block strengths an adapter for a family may have: one for each block of its network, or of every kind of network.
function block_strength_counts(model_family text) returns integer[];

-- The tenant this session acts for; null means all.
function caller_tenant(wanted text) returns integer -- security definer;

-- Cancels jobs that have not ended; returns the ids cancelled now.
function cancel_jobs(job_ids bigint[], tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- Cancels waiting jobs of a campaign or signature; returns how many.
function cancel_waiting(of_campaign text DEFAULT NULL::text, of_signature text DEFAULT NULL::text, at_most integer DEFAULT 10000) returns
  integer -- security definer;

-- The signature text of a model and adapters in any spelling and order.
function canonical_signature(of_model models, adapters jsonb, place text) returns text;

-- The priority a job gets: the one asked for, at most the highest of its tenant.
function capped_priority(priority integer, max_priority smallint) returns integer;

-- Checks every rule about one job request and fills in the defaults.
function check_job(element jsonb, place text) returns checked_job;

-- Checks a staged row as check_job checks the object that it stands for.
function check_staged(staged staged_jobs, place text) returns checked_job;

-- Refuses a staged load that names a start image of another tenant.
function check_staged_start_images(of_load text, owner tenants) returns void;

-- Refuses a start image whose strength leaves no step to take.
function check_start_steps(recipe jsonb, place text) returns void;

-- One adapter of a job: its registered name, and its canonical spelling with strengths.
function checked_adapter(given jsonb, of_model models, place text, OUT name text, OUT spelling text) returns record;

-- Block strengths of an adapter in their canonical spelling; empty without any.
function checked_blocks(given jsonb, of_model models, place text) returns text;

-- The part of a job object that dispatch, search and limits use: every field checked, with the defaults filled in.
function checked_dispatch(job jsonb, place text) returns checked_job;

-- The recipe part of a job object: every field checked, in its canonical form, with the defaults filled in.
function checked_recipe(job jsonb, of_model models, place text) returns jsonb;

-- A strength, rounded to four decimals half away from zero as Core's AdapterSignature does; null where it is left out.
function checked_strength(value jsonb, place text, field text) returns numeric;

-- Whether a value of a job object is one of the names that may be given, in lower case.
function choice_fits(value jsonb, choices text[]) returns boolean;

-- Step of claim_batch: the signature to move on to.
function choose_other_signature(claim claim_state) returns signature_choice;

-- Step of claim_batch: the signature to claim jobs of.
function choose_signature(claim claim_state) returns claim_state;

-- Leases up to max_jobs waiting jobs of one signature to a worker; one row per job. When nothing waits that the worker may take, one row
-- without a job. Remembered (type claim_memory) goes back in as memory at the worker's next claim.
function claim_batch(by_worker uuid, of_models text[], max_jobs integer, lease interval, max_wait interval, max_batches integer, memory
  jsonb DEFAULT NULL::jsonb, max_pixels bigint DEFAULT NULL::bigint) returns TABLE(batch_id bigint, epoch bigint, signature text,
  lease_expires_at timestamp with time zone, remembered jsonb, job_id bigint, attempt smallint, recipe jsonb) -- security definer;

-- Step of claim_batch: one row per job of the batch, with what to render.
function claimed_jobs(batch batches, remembered jsonb, job_ids bigint[], job_attempts smallint[]) returns TABLE(batch_id bigint, epoch
  bigint, signature text, lease_expires_at timestamp with time zone, remembered_once jsonb, job_id bigint, attempt smallint, recipe jsonb);

-- Records images of a batch; returns how many jobs succeeded by it.
function complete_jobs(of_batch bigint, with_epoch bigint, job_ids bigint[], paths text[], sizes bigint[], sha256s text[], widths integer[],
  heights integer[], seeds bigint[], recipes text[]) returns integer -- security definer;

-- What a worker could not get ready before it drew the job of an attempt that was requeued for it: start_image or model_or_adapters; null
-- for other attempts.
function could_not_begin(attempt job_attempts) returns text;

-- Counts that jobs went from one state to another; returns how many did.
function count_moves(group_ids integer[], campaign_ids integer[], from_state text, to_state text) returns integer;

-- The max_attempts of a job that names none.
function default_max_attempts() returns integer;

-- The priority of a job that names none.
function default_priority() returns integer;

-- The end of an error message that offers the nearest of some words; empty when none is near.
function did_you_mean(word text, candidates text[]) returns text;

-- Deletes the rows that this role staged under a load name, such as those that submit_staged refused; returns how many.
function discard_staged(load text DEFAULT ''::text) returns bigint -- security definer;

-- Requeues the jobs of a batch whose images no passed checkpoint covers; returns how many.
function discard_unchecked(of_batch batches, with_code text, with_message text) returns integer;

-- True when checked_dispatch would refuse nothing of a staged row; false decides nothing.
function dispatch_is_plain(staged staged_jobs) returns boolean;

-- What was drawn since an instant, whatever its campaign; reads the batches since then through index batches_by_time, not their images.
function drawn_since(since timestamp with time zone) returns TABLE(images bigint, verified bigint, first_at timestamp with time zone,
  last_at timestamp with time zone, batches bigint, signatures bigint) -- security definer;

-- Takes the rows of a staged load out whose idempotency key is known; returns how many.
function drop_known_keys(of_load text, for_tenant integer) returns bigint;

-- Writes down that a worker has again what it lacked.
function drop_lack(of_worker uuid, of_kind text, of_name text) returns void -- security definer;

-- Ends a batch; unfinished jobs are requeued, the attempt not counted. Returns how many.
function end_batch(of_batch bigint, with_epoch bigint, signature_hold interval, why text) returns integer -- security definer;

-- Jobs of the tenants this session may see that ended since a marker, with their present state, and last a row without a job: its marker is
-- for the next call, and is_complete is false when some could not be named (more than at_most, or the marker is older than
-- endings_retention). Without a marker that row alone.
function ended_jobs(after text DEFAULT NULL::text, at_most integer DEFAULT 5000) returns TABLE(marker text, is_complete boolean, job_id
  bigint, state text, tenant text, campaign text) -- security definer;

-- Jobs that failed or were cancelled since an instant and were not requeued; costs what failed since then, through index
-- job_attempts_by_end.
function ended_without_image(since timestamp with time zone) returns TABLE(job_id bigint, campaign_id integer, state text, code text) --
  security definer;

-- How long job_endings names a job that ended.
function endings_retention() returns interval;

-- Writes checked jobs; returns one id each, that of the first job of its idempotency key.
function enqueue_jobs(checked checked_job[], for_tenant tenants) returns SETOF bigint;

-- Makes the campaigns that jobs name and that are not there yet.
function ensure_campaigns(names text[], for_tenant integer) returns void;

-- Makes the dispatch groups that jobs need and that are not there yet.
function ensure_groups(model_ids integer[], priorities integer[], for_tenant integer) returns void;

-- Creates the three roles where they are missing.
function ensure_roles() returns ;

-- Records failed attempts of a batch: retried later, or failed for good.
function fail_jobs(of_batch bigint, with_epoch bigint, job_ids bigint[], codes text[], messages text[], retry_delay interval,
  max_retry_delay interval) returns integer -- security definer;

-- Fails waiting jobs whose deadline passed; returns their ids.
function fail_late_jobs(started timestamp with time zone, at_most integer) returns bigint[];

-- Fails waiting jobs of one signature in a dispatch group; returns how many.
function fail_signature(in_group integer, of_signature text, lacks_model boolean, why text, at_most integer) returns integer;

-- Fails waiting jobs that no living worker could begin for longer than a limit (null for none), for their start image, their model or their
-- adapters, at most so many; returns how many.
function fail_unbegun(unserved_limit interval, at_most integer DEFAULT 5000) returns integer;

-- Fails waiting jobs that no living worker could serve for longer than a limit, at most so many; returns how many.
function fail_unserved(unserved_limit interval, at_most integer DEFAULT 5000) returns integer;

-- Fails the job of a lost batch of one when its attempts are used up.
function fail_used_up(dead batches, worker_name text) returns void;

-- Fails waiting jobs, with a message for each; returns their ids.
function fail_waiting(these bigint[], with_code text, messages text[]) returns bigint[];

-- A recipe with defaults for the fields it leaves out. Seeds are drawn below 2^32, which other tools accept too.
function filled_recipe(recipe jsonb, defaults jsonb) returns jsonb;

-- The registered adapter of a name, in any case, which fits the model.
function find_adapter(wanted text, of_model models, place text) returns adapters;

-- Step of claim_batch: the oldest job of a dispatch group that the worker can serve.
function find_first_servable(claim claim_state, in_group integer, of_tenant integer, oldest waiting_group) returns waiting_group;

-- Step of claim_batch: whether the fused signature has work.
function find_fused(claim claim_state) returns claim_state;

-- The model that a job object names; without a name the only one registered.
function find_model(job jsonb, place text) returns models;

-- Step of claim_batch: the next signature of a tenant in text order that is free.
function find_next_signature(claim claim_state, of_tenant integer, share_from integer) returns signature_choice;

-- Step of claim_batch: the signature of the job that waits longest, if it waited longer than MaxWait.
function find_overdue(claim claim_state, of_tenant integer, up_to_virtual_time double precision) returns signature_choice;

-- The first signature in text order behind a text that jobs of a tenant wait with.
function find_signature_after(groups waiting_group[], of_tenant integer, after text) returns signature_choice;

-- The tenant of a name in any case, null meaning default; refuses an unknown one.
function find_tenant(wanted text) returns tenants;

-- Step of claim_batch: the dispatch groups of the highest priority level that has work.
function find_waiting_groups(claim claim_state) returns claim_state;

-- For each job the id under which its idempotency key was first submitted; its own id without a key.
function first_ids_of_keys(checked checked_job[], ids bigint[], for_tenant integer) returns bigint[];

-- Whether a name can be asked for in the address of a page or call: no control characters, no blanks at its ends, neither . nor ...
function fits_address(name text) returns boolean;

-- Adds appended changes to the counts.
function fold_counts() returns integer -- security definer;

-- The names that a job's format may have, in the order they are listed in.
function format_choices() returns text[];

-- Locks those running jobs of a batch that no other session keeps locked for more than a second, and returns where their rows lie.
function free_jobs(of_batch bigint, these bigint[]) returns tid[];

-- Locks those running jobs of a batch that no other session has locked, and returns them.
function free_jobs_now(of_batch bigint, these bigint[]) returns bigint[];

-- Lets a role call functions, named without their arguments.
function grant_execute(IN names text[], IN to_role name) returns ;

-- The dispatch group of the same model and tenant with another priority; makes it where there is none.
function group_at_priority(g dispatch_groups, wanted integer) returns integer;

-- Whether the dispatch windows that apply to a dispatch group let it be claimed from at an instant.
function group_is_open(candidate dispatch_groups, instant timestamp with time zone) returns boolean;

-- Whether a name has a character that no address of a page can hold, such as a tab.
function has_control_character(name text) returns boolean;

-- Extends a lease, and says that its worker is alive; returns the jobs of the batch that were cancelled.
function heartbeat_batch(of_batch bigint, with_epoch bigint, lease interval, finished_jobs integer, at_step integer, of_steps integer)
  returns SETOF bigint -- security definer;

-- Locks a batch and returns it; raises BG002 when it is not leased under the epoch any more.
function hold_lease(of_batch bigint, with_epoch bigint) returns batches;

-- Keeps upkeep from removing start images until the transaction ends.
function hold_start_images(names text[]) returns void;

-- Whether adapters may stand in the prompt of a job or recipe.
function holds_adapters(recipe jsonb) returns boolean;

-- Whether the batch of an image fits what a list asks for.
function image_is_wanted(of_batch bigint, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time zone)
  returns boolean;

-- Images of the campaigns of a name below a job, newest job first. A last row without batch says that the looks were used up, and below
-- which job to go on.
function images_of_campaign(of_name text, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time zone,
  below bigint, at_most integer, looks integer) returns TABLE(job_id bigint, batch_id bigint) -- security definer;

-- Whether an instant lies in the years 1 to 9999; null for null.
function instant_fits(instant timestamp with time zone) returns boolean;

-- Whether a job whose worker was lost while it drew this job alone is taken for the reason.
function is_blamed(job bigint) returns boolean;

-- Whether other workers have a signature fused and what waits of it is too little to share.
function is_held_by_others(wanted text, in_group integer, by_worker uuid, batch_size integer) returns boolean;

-- Whether a text may name a start image: a relative path below the folder that workers read them from.
function is_start_image_name(name text) returns boolean;

-- Whether other tenants sent a start image, and this one did not.
function is_start_image_of_others(image text, owner integer) returns boolean;

-- The fields that a job object may have.
function job_field_names() returns text[];

-- Where jobs stand; unknown ids are left out.
function job_status(job_ids bigint[]) returns TABLE(job_id bigint, state text, attempts smallint, max_attempts smallint, run_at timestamp
  with time zone, finished_at timestamp with time zone, path text, verified_at timestamp with time zone, failure_code text, failure_message
  text) -- security definer;

-- Those of the jobs that belong to a tenant; all for null.
function jobs_of(job_ids bigint[], owner integer) returns bigint[];

-- One of the names that a field may have, in lower case; null where the field is left out.
function json_choice(element jsonb, field text, place text, choices text[]) returns text;

-- The instant in a field of a job object, null when it is left out; refuses anything else.
function json_instant(element jsonb, field text, place text) returns timestamp with time zone;

-- A number in a range; null where the field is left out.
function json_number(element jsonb, field text, place text, lowest numeric, highest numeric, lowest_excluded boolean DEFAULT false) returns
  double precision;

-- The name of a start image; null where the field is left out.
function json_start_image(element jsonb, field text, place text, longest integer) returns text;

-- The text in a field of a job object, null when it is left out; refuses anything else and text of a wrong length.
function json_text(element jsonb, field text, place text, shortest integer, longest integer) returns text;

-- A whole number in a range and a multiple of a step; null where the field is left out.
function json_whole(element jsonb, field text, place text, lowest numeric, highest numeric, step integer DEFAULT 1) returns bigint;

-- A list of words; null where the field is left out or the list is empty.
function json_words(element jsonb, field text, place text, most_words integer, longest integer) returns text[];

-- Notes that a tenant sent a start image, which from then on serves its jobs only; refuses it beyond the tenant's quota.
function keep_start_image(name text, size_bytes bigint, quota_bytes bigint, tenant text DEFAULT NULL::text) returns void -- security
  definer;

-- The attempt by which a job last failed for good or was cancelled; 0 for none. A job that goes on after it was retried.
function last_ending(job bigint) returns bigint;

-- Whether the worker of an open batch stopped answering, outages of the database not counted.
function lease_ran_out(held batches, instant timestamp with time zone) returns boolean;

-- How many letters to put in, leave out or replace to make one word of another; for short words.
function levenshtein_distance(a text, b text) returns integer;

-- Lets one transaction at a time take rows out of a load: returns when no other does, and keeps others away.
function lock_load(of_load text, of_role name) returns void;

-- Locks start images that nobody sent lately and that nothing names, until the transaction ends, and returns their names.
function lock_unnamed_start_images(older_than interval, at_most integer DEFAULT 1000) returns SETOF text -- security definer;

-- The most adapters that a job may have.
function max_adapters() returns integer;

-- The most characters that one adapter may be spelled with.
function max_spelling() returns integer;

-- Whether a worker is not restricted to other models than this one.
function may_serve(worker workers, model text) returns boolean;

-- The adapters of a job with those that its prompt names.
function merged_adapters(adapters jsonb, in_prompt text) returns jsonb;

-- Whether a value of a job object is a whole number in a range and a multiple of a step.
function multiple_fits(value jsonb, lowest numeric, highest numeric, step integer) returns boolean;

-- A word that is near another, the nearest as a rule; null when none is near.
function nearest(word text, candidates text[]) returns text;

-- Whether a signature uses one of some adapters.
function needs_adapter(signature text, adapters text[]) returns boolean;

-- Images of the campaigns of a name, upwards: the first one above a job, or null.
function newer_image_of_campaign(of_name text, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time
  zone, above bigint, looks integer) returns bigint -- security definer;

-- Jobs of the campaigns of a name (tenants may share it) below an id, newest first; one walk through index job_recipes_by_campaign each.
function newest_of_campaign(of_name text, below bigint, at_most integer) returns TABLE(job_id bigint, prompt text, tags text[]) -- security
  definer;

-- The names that a job's noise_type may have, in the order they are listed in.
function noise_type_choices() returns text[];

-- Refuses a staged load that breaks a rule, and brings rows in another spelling into the canonical form.
function normalise_staged(of_load text, submitted_at timestamp with time zone) returns void;

-- Records attempts of a batch that did not end in an image, from parallel arrays with one entry per job; returns how many.
function note_attempts(of_batch batches, job_ids bigint[], attempts integer[], counted boolean[], codes text[], messages text[]) returns
  integer;

-- Notes that a worker gave a sign, and the outage that this sign ends.
function note_beat() returns void;

-- Sets a sequence to the microsecond of an instant; stays also when the transaction fails.
function note_instant(in_sequence text, instant timestamp with time zone) returns void;

-- Writes down what a worker lacks on its machine: an adapter, a model, start images, or room for images.
function note_lack(of_worker uuid, of_kind text, of_name text, with_sha256 text, why text) returns void -- security definer;

-- Writes down which jobs of a batch that ends are still running, because another session has them locked.
function note_unsettled(of_batch batches) returns void;

-- The instant that a sequence such as silence_ends holds; 1970 while it was never set.
function noted_instant(of_sequence text) returns timestamp with time zone;

-- Notifies upstream apps that jobs ended: channel SCHEMA_done. ended_jobs says which.
function notify_done(job_ids bigint[]) returns void;

-- Wakes idle workers: channel SCHEMA_jobs.
function notify_work(ready_groups integer[], always boolean) returns void;

-- Whether a value of a job object is a number in a range, as json_number would write it.
function number_fits(value jsonb, lowest numeric, highest numeric) returns boolean;

-- The words that one slip makes of a word, itself among them.
function one_slip_of(word text) returns text[];

-- The tenant that a submit is for: the one named, if the caller may act for it, else the caller's own.
function owner_of_submit(wanted text) returns tenants;

-- The names that a job's prompt_syntax may have, in the order they are listed in.
function prompt_syntax_choices() returns text[];

-- Deletes archived jobs past their retention; returns how many.
function prune_archive(older_than interval, at_most integer DEFAULT 50000) returns integer -- security definer;

-- Deletes batches, checkpoints, canaries and workers past their retention that no job refers to; returns how many rows.
function prune_history(older_than interval, at_most integer DEFAULT 5000) returns integer -- security definer;

-- Deletes rows staged before their retention that nobody submitted; returns how many.
function prune_staged(older_than interval) returns bigint -- security definer;

-- The roles that logins of people and programs are given.
function queue_roles() returns name[];

-- The values that a recipe for a model gets for fields that the job leaves out.
function recipe_defaults(of_model models) returns jsonb;

-- The fields of a job object that make up its recipe.
function recipe_field_names() returns text[];

-- True when checked_recipe would fill in nothing but defaults; false decides nothing. Cheap.
function recipe_is_plain(recipe jsonb) returns boolean;

-- Writes a checkpoint with its consequence: passed verifies the worker's unverified images, anything else requeues their jobs.
function record_checkpoint(of_worker uuid, of_batch bigint, with_epoch bigint, on_model text, on_device text, compute_type text, judged
  text, expected text, actual text, tensors integer, size_bytes bigint, drifted text[], elapsed_ms double precision, reloaded_tensors
  integer, reloaded_bytes bigint, reload_ms double precision) returns TABLE(checkpoint_id bigint, images_verified integer, jobs_requeued
  integer) -- security definer;

-- Raises the one error that says which element and field was wrong, what was expected and what to do.
function refuse(place text, field text, problem text) returns void;

-- Refuses a span of a worker, such as a lease, at whose end stands an instant that does not fit.
function refuse_span(place text, field text, span interval) returns void;

-- Refuses a job that names a start image of another tenant.
function refuse_start_image_of_others(place text, image text, owner tenants) returns void;

-- Step of claim_batch: what the worker remembers of the batch.
function remember_batch(claim claim_state) returns claim_memory;

-- Returns jobs of a batch to the queue; returns how many.
function requeue_jobs(of_batch batches, these bigint[], from_state text, with_code text, with_message text, counts boolean, new_limit
  smallint DEFAULT NULL::smallint) returns integer;

-- Ends a batch whose lease ran out and requeues its jobs.
function rescue_batch(dead batches, started timestamp with time zone) returns void;

-- Takes back leases that ran out, and fails jobs that no living worker could serve for longer than a limit (null for none); returns how
-- many batches were rescued.
function rescue_expired(unserved_limit interval DEFAULT NULL::interval) returns integer -- security definer;

-- Requeues failed jobs by campaign, failure code or signature; returns how many.
function retry_failed(of_campaign text DEFAULT NULL::text, with_code text DEFAULT NULL::text, of_signature text DEFAULT NULL::text, at_most
  integer DEFAULT 10000) returns integer -- security definer;

-- Requeues failed or cancelled jobs with fresh attempts; returns their ids.
function retry_jobs(job_ids bigint[], tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- The names that a job's sampler may have, in the order they are listed in.
function sampler_choices() returns text[];

-- Moves waiting jobs to another priority; returns how many moved.
function set_priority(job_ids bigint[], new_priority integer) returns integer -- security definer;

-- Requeues the jobs that another session had locked when their batch ended, unless they are cancelled now; returns how many.
function settle_jobs() returns integer;

-- A text as error messages show it: they never repeat all of what somebody sent.
function shortened(content text, longest integer DEFAULT 60) returns text;

-- A value as error messages show it, cut to 60 characters.
function shown(value jsonb) returns text;

-- Signatures with ready jobs in text order after a given one; waiting is exact below count_limit per dispatch group.
function signature_backlog(after_signature text DEFAULT ''::text, at_most integer DEFAULT 50, count_limit integer DEFAULT 1000) returns
  TABLE(signature text, waiting bigint, oldest timestamp with time zone) -- security definer;

-- Since when a worker gives no sign; where the database was away, since it was back.
function silent_since(worker workers) returns timestamp with time zone;

-- An adapter of a job object from its spelling in a signature, such as ink@0.8:0.5.
function spelled_adapter(spelling text, place text) returns jsonb;

-- Takes <lora:name:unet:text_encoder> out of a prompt.
function split_prompt(prompt text, OUT rest text, OUT adapters text) returns record;

-- True when check_staged would refuse nothing and change nothing of a row's recipe and dispatch columns, as of most; false decides nothing.
-- Model and adapters are looked at by staged_spellings.
function staged_is_plain(staged staged_jobs, submitted_at timestamp with time zone) returns boolean;

-- What messages call a staged row: its number in the load of this session's role.
function staged_line(of_load text, id bigint) returns text;

-- The model that staged rows name; an empty name means the only one registered.
function staged_model(name text, place text) returns models;

-- What the spellings of model and adapters in a staged load stand for.
function staged_spellings(of_load text, adapters_in_prompts boolean, OUT spellings job_spelling[], OUT model_ids integer[], OUT priorities
  integer[]) returns record;

-- Writes checked jobs and staged rows into the queue; returns how many.
function store_jobs(for_tenant tenants, submitted_at timestamp with time zone, checked checked_job[], ids bigint[], final_ids bigint[],
  of_load text, spellings job_spelling[]) returns bigint;

-- A strength in the one form that signatures use, without trailing zeros.
function strength_text(strength numeric) returns text;

-- Submits one job; returns its id.
function submit_job(job jsonb, tenant text DEFAULT NULL::text) returns bigint -- security definer;

-- Submits all jobs or none; one id per element, in order. Fields: docs/sql-api.md.
function submit_jobs(jobs jsonb, tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- Submits the rows that this role staged under a load name, all or none; returns how many jobs are new. Rows whose idempotency key is known
-- are left out.
function submit_staged(load text DEFAULT ''::text, tenant text DEFAULT NULL::text) returns bigint -- security definer;

-- Makes attempts that a worker failed in some batches count no longer, for jobs that wait again; returns for how many jobs.
function take_back_attempts(of_worker uuid, batch_ids bigint[]) returns integer -- security definer;

-- Step of claim_batch: locks the jobs of the batch.
function take_jobs(claim claim_state) returns claim_state;

-- Whether a value of a job object is text of a length.
function text_fits(value jsonb, shortest integer, longest integer) returns boolean;

-- Writes down that a worker is alive.
function touch_worker(of_worker uuid) returns void;

-- Takes the lock counts, retention or reindex until the transaction ends; false when another session has it.
function try_lock(what text) returns boolean -- security definer;

-- Those of some start images that no job, staged row or schedule names.
function unnamed_start_images(names text[]) returns text[];

-- Waiting jobs by signature in the order of dispatch, from a place on; hops through index jobs_by_signature, and counts to 5,000 at most.
function waiting_signatures(from_priority integer, after_signature text, after_group integer, at_most integer) returns TABLE(priority
  smallint, signature text, group_id integer, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint,
  oldest_at timestamp with time zone) -- security definer;

-- Whether a value of a job object is a whole number in a range.
function whole_fits(value jsonb, lowest numeric, highest numeric) returns boolean;

-- Why no living worker could serve a signature for longer than a limit; null while one can, or when none lives.
function why_unserved(signature text, of_model text, unserved_limit interval, instant timestamp with time zone) returns text;

-- Whether a dispatch window is open at an instant.
function window_is_open(time_zone text, opens time without time zone, closes time without time zone, weekdays integer[], instant timestamp
  with time zone) returns boolean;

-- Whether an array is a list of words as json_words takes them.
function words_are_plain(words text[], most_words integer, longest integer) returns boolean;

-- Whether a worker runs, as far as its heartbeats show.
function worker_lives(worker workers, instant timestamp with time zone) returns boolean;

-- Step of claim_batch: whether a worker gets jobs at all; raises BG003 for one that is not registered.
function worker_may_claim(by_worker uuid) returns boolean;

-- Step of claim_batch: writes the batch with its lease, and sets its jobs running.
function write_batch(claim claim_state, lease interval) returns batches;
