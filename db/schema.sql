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

-- Jobs of one signature leased to one worker. The lease, its fencing epoch and the verdict of the checkpoint live here, so that a heartbeat or a checkpoint writes one row, not one per job.
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
  constraint batches_pkey PRIMARY KEY (id),
  constraint batches_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id),
  constraint batches_completions_order CHECK (((checked_completions >= 0) AND (checked_completions <= completions))),
  constraint batches_ended_when_not_open CHECK (((ended_at IS NULL) = (state = 'open'::text))),
  constraint batches_state_known CHECK ((state = ANY (ARRAY['open'::text, 'ended'::text, 'lost'::text]))),
  constraint batches_unended_range CHECK ((unended >= 0))
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.05);

-- Batches that recorded images of a campaign, one row for each batch and campaign: where a campaign of a million jobs has its images, and from when to when it was drawn.
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
  constraint canaries_verdict_known CHECK ((verdict = ANY (ARRAY['first'::text, 'equal'::text, 'close'::text, 'differs'::text])))
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
  constraint lanes_unique UNIQUE (model_id, priority, tenant_id),
  constraint lanes_priority_range CHECK (((priority >= '-100'::integer) AND (priority <= 100)))
);

-- When jobs may be claimed. A dispatch group to which enabled windows apply is open while one of them is; a dispatch group without any is always open.
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
  constraint job_attempts_code_known CHECK ((code = ANY (ARRAY['invalid_job'::text, 'adapter'::text, 'model'::text, 'generation'::text, 'output'::text, 'worker_lost'::text, 'weight_integrity'::text, 'deadline_passed'::text, 'cancelled'::text, 'requeued'::text])))
);

-- Changes of counts not folded yet; only appended to, emptied by fold_counts().
table job_count_changes (
  group_id integer not null,
  campaign_id integer not null,
  state text not null,
  change bigint not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

-- Folded counts by dispatch group, campaign and state; state verified counts images beside the five job states, and fusions counts batches that switched signature.
table job_counts (
  group_id integer not null,
  campaign_id integer not null,
  state text not null,
  count bigint not null,
  constraint job_counts_pkey PRIMARY KEY (group_id, campaign_id, state)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200);

-- What each job renders, apart from its signature; written once.
table job_recipes (
  job_id bigint not null,
  created_at timestamp with time zone default now() not null,
  seed bigint not null,
  guidance_scale double precision not null,
  guidance_rescale double precision default 0 not null,
  strength double precision,
  tenant_id integer not null,
  campaign_id integer default 0 not null,
  width smallint not null,
  height smallint not null,
  steps smallint not null,
  clip_skip smallint default 0 not null,
  format text default 'png'::text not null,
  sampler text not null,
  prompt text not null,
  negative_prompt text,
  start_image text,
  tags text[],
  constraint job_recipes_pkey PRIMARY KEY (job_id),
  constraint job_recipes_clip_skip_range CHECK (((clip_skip >= 0) AND (clip_skip <= 11))),
  constraint job_recipes_format_known CHECK ((format = ANY (ARRAY['png'::text, 'webp'::text, 'jpeg'::text]))),
  constraint job_recipes_guidance_range CHECK (((guidance_scale >= (0)::double precision) AND (guidance_scale <= (100)::double precision))),
  constraint job_recipes_guidance_rescale_range CHECK (((guidance_rescale >= (0)::double precision) AND (guidance_rescale <= (1)::double precision))),
  constraint job_recipes_size CHECK (((((width)::integer % 8) = 0) AND (((height)::integer % 8) = 0) AND ((width >= 64) AND (width <= 2048)) AND ((height >= 64) AND (height <= 2048)))),
  constraint job_recipes_steps_range CHECK (((steps >= 1) AND (steps <= 1000))),
  constraint job_recipes_strength_range CHECK ((((strength IS NULL) = (start_image IS NULL)) AND (strength > (0)::double precision) AND (strength <= (1)::double precision)))
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
) with (fillfactor=75, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0.1, autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_cost_delay=1);

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
  constraint models_name_key_unique UNIQUE (name_key),
  constraint models_pkey PRIMARY KEY (id),
  constraint models_family_present CHECK ((family <> ''::text)),
  constraint models_name_valid CHECK ((name ~ '^[[:alnum:]._-]([[:alnum:]._ -]{0,98}[[:alnum:]._-])?$'::text)),
  constraint models_native_size CHECK ((((native_width >= 8) AND (native_width <= 8192)) AND ((native_height >= 8) AND (native_height <= 8192)))),
  constraint models_prediction_known CHECK ((prediction = ANY (ARRAY['epsilon'::text, 'v_prediction'::text])))
);

-- Samplers that jobs may name; a renderer that learns a new one adds a row in a migration.
table samplers (
  name text not null,
  position integer not null,
  constraint samplers_pkey PRIMARY KEY (name),
  constraint samplers_name_valid CHECK ((name ~ '^[a-z0-9_]+$'::text))
);

table schema_migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default clock_timestamp() not null,
  constraint schema_migrations_pkey PRIMARY KEY (name)
);

-- Rows on their way into the queue: filled by COPY, emptied by submit_staged. Unlogged: a crash of the server loses what was not submitted yet.
table staged_jobs (
  job_id bigint default nextval('jobs_id_seq'::regclass) not null,
  staged_by name default SESSION_USER not null,
  staged_at timestamp with time zone default now() not null,
  load text default ''::text not null,
  prompt text,
  negative_prompt text,
  model text,
  adapters text,
  width integer,
  height integer,
  steps integer,
  sampler text,
  guidance_scale double precision,
  guidance_rescale double precision,
  start_image text,
  strength double precision,
  seed bigint,
  format text,
  clip_skip integer,
  priority integer,
  run_at timestamp with time zone,
  deadline timestamp with time zone,
  campaign text,
  max_attempts integer,
  tags text[],
  idempotency_key text
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=50000 unlogged);

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
  constraint tenants_name_key_unique UNIQUE (name_key),
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_max_priority_range CHECK (((max_priority >= '-100'::integer) AND (max_priority <= 100))),
  constraint tenants_name_valid CHECK ((((char_length(name) >= 1) AND (char_length(name) <= 100)) AND (name = btrim(name)))),
  constraint tenants_weight_range CHECK (((weight >= (0.001)::double precision) AND (weight <= (1000)::double precision)))
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
  constraint weight_checkpoints_verdict_known CHECK ((verdict = ANY (ARRAY['passed'::text, 'drifted'::text, 'restored'::text, 'unrecoverable'::text])))
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
  constraint workers_pkey PRIMARY KEY (id)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=100);

-- for people: what became of a campaign
CREATE INDEX archived_jobs_by_campaign ON archived_jobs USING btree (campaign, job_id) WHERE (campaign IS NOT NULL);

-- prune_archive: rows past their retention
CREATE INDEX archived_jobs_by_end ON archived_jobs USING btree (finished_at);

-- claim_batch: whether another live worker holds the signature
CREATE INDEX batches_by_signature ON batches USING btree (signature, lease_expires_at);

-- list_gallery of a day, list_throughput
CREATE INDEX batches_by_time ON batches USING btree (claimed_at);

-- list_workers: the newest batch of a worker
CREATE INDEX batches_by_worker ON batches USING btree (worker_id, id);

-- rescue_expired, list_workers, list_jobs: batches under lease
CREATE INDEX batches_open ON batches USING btree (lease_expires_at) WHERE (state = 'open'::text);

-- record_checkpoint, rescue_expired: batches with images no checkpoint has judged
CREATE INDEX batches_unchecked ON batches USING btree (worker_id) WHERE (checked_completions < completions);

-- list_ended_campaigns: those that may have ended since
CREATE INDEX campaigns_unreported ON campaigns USING btree (id) WHERE (reported_at IS NULL);

-- list_canaries: the newest, those of a night or of a campaign
CREATE INDEX canaries_by_time ON canaries USING btree (created_at, id);

-- list_canaries: what a worker drew
CREATE INDEX canaries_by_worker ON canaries USING btree (worker_id, id);

-- find_canary: the image to compare with
CREATE INDEX canaries_first ON canaries USING btree (model_sha256, device, compute_type, recipe, id) WHERE (verdict = 'first'::text);

-- archive_jobs: keys of jobs that leave
CREATE INDEX idempotency_keys_by_job ON idempotency_keys USING btree (job_id);

-- ended_without_image: what failed or was cancelled in a night
CREATE INDEX job_attempts_by_end ON job_attempts USING btree (ended_at);

-- find_job, list_jobs: last failure; job_history
CREATE INDEX job_attempts_by_job ON job_attempts USING btree (job_id, id);

-- count_jobs of a campaign
CREATE INDEX job_counts_by_campaign ON job_counts USING btree (campaign_id) WHERE (campaign_id <> 0);

-- list_jobs, count_fusions: jobs of a campaign, newest first
CREATE INDEX job_recipes_by_campaign ON job_recipes USING btree (campaign_id, job_id) WHERE (campaign_id <> 0);

-- list_jobs: jobs with a tag
CREATE INDEX job_recipes_by_tag ON job_recipes USING gin (tags) WHERE (tags IS NOT NULL);

-- list_ids_of_tenant: jobs of a tenant, newest first, however many others have
CREATE INDEX job_recipes_by_tenant ON job_recipes USING btree (tenant_id, job_id);

-- claim_batch: whether a dispatch group has work and who waits longest; submit_jobs: whether a notification is due
CREATE INDEX jobs_by_age ON jobs USING btree (group_id, run_at) WHERE (indexed_state = 'ready'::text);

-- claim_batch: jobs of a signature, and the next signature in text order
CREATE INDEX jobs_by_signature ON jobs USING btree (group_id, signature, id) WHERE (indexed_state = 'ready'::text);

-- list_jobs: cancelled jobs, newest first
CREATE INDEX jobs_cancelled ON jobs USING btree (id) WHERE (indexed_state = 'cancelled'::text);

-- list_jobs, retry_jobs_where: failed jobs, newest first
CREATE INDEX jobs_failed ON jobs USING btree (id) WHERE (indexed_state = 'failed'::text);

-- list_failure_reasons: failed jobs of a campaign, newest first
CREATE INDEX jobs_failed_by_campaign ON jobs USING btree (campaign_id, id) WHERE ((indexed_state = 'failed'::text) AND (campaign_id <> 0));

-- advance_clock: jobs whose start time or retry has come
CREATE INDEX jobs_scheduled ON jobs USING btree (run_at) WHERE (indexed_state = 'scheduled'::text);

-- list_jobs: waiting jobs, newest first
CREATE INDEX jobs_waiting ON jobs USING btree (id) WHERE (indexed_state = ANY (ARRAY['ready'::text, 'scheduled'::text]));

-- advance_clock: waiting jobs whose deadline passed
CREATE INDEX jobs_with_deadline ON jobs USING btree (deadline) WHERE ((deadline IS NOT NULL) AND (indexed_state = ANY (ARRAY['ready'::text, 'scheduled'::text])));

-- submit_staged: the rows of a load
CREATE INDEX staged_jobs_by_load ON staged_jobs USING btree (load, staged_by, job_id);

-- count_checkpoints_between: those of a night, or of a campaign
CREATE INDEX weight_checkpoints_by_time ON weight_checkpoints USING btree (created_at);

-- list_checkpoints of one worker
CREATE INDEX weight_checkpoints_by_worker ON weight_checkpoints USING btree (worker_id, id);

-- list_faults
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

-- Every ended attempt of each job; for a success the message is the image's path.
view job_history as
SELECT a.job_id,
    a.attempt,
    a.counted,
    a.code,
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
    'succeeded'::text AS code,
    i.path AS message,
    w.name AS worker,
    i.batch_id,
    b.claimed_at AS started_at,
    i.created_at AS ended_at
   FROM images i
     JOIN jobs j ON j.id = i.job_id
     LEFT JOIN batches b ON b.id = i.batch_id
     LEFT JOIN workers w ON w.id = b.worker_id;

-- Ended jobs of the tenants this session may see, with their image, whether it is verified, or why there is none.
view results as
SELECT j.id AS job_id,
    t.name AS tenant,
    c.name AS campaign,
    j.state,
    j.signature,
    i.path,
    i.size_bytes,
    encode(i.sha256, 'hex'::text) AS sha256,
    i.width,
    i.height,
    i.seed,
    i.recipe,
    j.finished_at,
        CASE
            WHEN i.completion <= b.checked_completions THEN b.verified_at
            ELSE NULL::timestamp with time zone
        END AS verified_at,
        CASE
            WHEN i.completion <= b.checked_completions THEN b.checkpoint_id
            ELSE NULL::bigint
        END AS checkpoint_id,
    a.code AS failure_code,
    a.message AS failure_message
   FROM jobs j
     JOIN dispatch_groups g ON g.id = j.group_id
     JOIN tenants t ON t.id = g.tenant_id
     LEFT JOIN campaigns c ON c.id = j.campaign_id
     LEFT JOIN images i ON i.job_id = j.id
     LEFT JOIN batches b ON b.id = i.batch_id
     LEFT JOIN LATERAL ( SELECT job_attempts.code,
            job_attempts.message
           FROM job_attempts
          WHERE job_attempts.job_id = j.id AND (j.state = ANY (ARRAY['failed'::text, 'cancelled'::text]))
          ORDER BY job_attempts.id DESC
         LIMIT 1) a ON true
  WHERE (j.state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) AND ((( SELECT caller_tenant(NULL::text) AS caller_tenant)) IS NULL OR g.tenant_id = (( SELECT caller_tenant(NULL::text) AS caller_tenant))) -- security_barrier=true;

-- Makes due jobs ready and fails those past their deadline.
function advance_clock(at_most integer DEFAULT 5000) returns integer;

-- Grants each role what it needs and takes from everybody what they get by default.
function apply_grants() returns ;

-- Moves those of the next at_most jobs after an id to archived_jobs that ended before their retention; returns how many, and the id to go on after, null at the end. Their images' files stay.
function archive_jobs(older_than interval, at_most integer DEFAULT 5000, after_id bigint DEFAULT 0, OUT moved integer, OUT last_id bigint) returns record -- security definer;

-- The tenant this session acts for; null means all.
function caller_tenant(wanted text) returns integer -- security definer;

-- Cancels jobs that have not ended; returns the ids cancelled now.
function cancel_jobs(job_ids bigint[], tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- Cancels waiting jobs of a campaign or signature; returns how many.
function cancel_waiting(of_campaign text DEFAULT NULL::text, of_signature text DEFAULT NULL::text, at_most integer DEFAULT 10000) returns integer -- security definer;

-- The signature text of a model and adapters in any spelling and order.
function canonical_signature(model text, model_family text, adapters jsonb, place text) returns text;

-- Checks every rule about one job request and fills in the defaults.
function check_job(element jsonb, place text) returns checked_job;

-- A strength, rounded to four decimals half away from zero as Core's AdapterSignature does.
function checked_strength(value jsonb, place text, field text) returns numeric;

-- Leases up to max_jobs waiting jobs of one signature to a worker. Remembered goes back in as memory at the next claim; a claim without it is right too, only slower.
function claim_batch(by_worker uuid, of_models text[], max_jobs integer, lease interval, max_wait interval, max_batches integer, memory jsonb DEFAULT NULL::jsonb, max_pixels bigint DEFAULT NULL::bigint) returns TABLE(batch_id bigint, epoch bigint, signature text, lease_expires_at timestamp with time zone, remembered jsonb, job_id bigint, attempt smallint, prompt text, negative_prompt text, width smallint, height smallint, steps smallint, sampler text, guidance_scale double precision, seed bigint, format text, clip_skip smallint, guidance_rescale double precision, start_image text, strength double precision) -- security definer;

-- Records images of a batch; returns how many jobs succeeded by it.
function complete_jobs(of_batch bigint, with_epoch bigint, job_ids bigint[], paths text[], sizes bigint[], sha256s text[], widths integer[], heights integer[], seeds bigint[], recipes text[]) returns integer -- security definer;

function did_you_mean(word text, candidates text[]) returns text;

-- Deletes the rows that this role staged under a load name, such as those that submit_staged refused; returns how many.
function discard_staged(load text DEFAULT ''::text) returns bigint -- security definer;

function discard_unchecked(of_batch batches, why text, said text) returns integer;

-- What was drawn since an instant, whatever its campaign; reads the batches since then through index batches_by_time, not their images.
function drawn_since(since timestamp with time zone) returns TABLE(images bigint, verified bigint, first_at timestamp with time zone, last_at timestamp with time zone, batches bigint, signatures bigint) -- security definer;

-- Ends a batch; unfinished jobs go back, the attempt not counted. Returns how many did.
function end_batch(of_batch bigint, with_epoch bigint, signature_hold interval, why text) returns integer -- security definer;

-- Jobs that failed or were cancelled since an instant and were not requeued; costs what failed since then, through index job_attempts_by_end.
function ended_without_image(since timestamp with time zone) returns TABLE(job_id bigint, campaign_id integer, state text, code text) -- security definer;

-- Writes checked jobs; returns one id each, that of the first job of its idempotency key.
function enqueue_jobs(checked checked_job[], tenant_id integer, max_priority smallint) returns SETOF bigint;

-- Creates the three roles where they are missing.
function ensure_roles() returns ;

-- Records failed attempts of a batch: retried later, or failed for good.
function fail_jobs(of_batch bigint, with_epoch bigint, job_ids bigint[], codes text[], messages text[], retry_delay interval, max_retry_delay interval) returns integer -- security definer;

function find_tenant(wanted text) returns tenants;

-- Adds appended changes to the counts.
function fold_counts() returns integer -- security definer;

-- Whether the dispatch windows that apply to a dispatch group let it be claimed from at an instant.
function group_is_open(candidate dispatch_groups, instant timestamp with time zone) returns boolean;

-- Extends a lease; returns the jobs of the batch that were cancelled.
function heartbeat_batch(of_batch bigint, with_epoch bigint, lease interval, finished_jobs integer, at_step integer, of_steps integer) returns SETOF bigint -- security definer;

function hold_lease(of_batch bigint, with_epoch bigint) returns batches;

-- Whether the batch of an image fits what a list asks for.
function image_is_wanted(of_batch bigint, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time zone) returns boolean;

-- Images of the campaigns of a name below a job, newest job first. A last row without batch says that the looks were used up, and below which job to go on.
function images_of_campaign(of_name text, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time zone, below bigint, at_most integer, looks integer) returns TABLE(job_id bigint, batch_id bigint) -- security definer;

-- Whether a text may name a start image: a relative path below the folder that workers read them from.
function is_start_image_name(name text) returns boolean;

function is_taken(wanted text, in_group integer, by_worker uuid, batch_size integer) returns boolean;

-- Where jobs stand; unknown ids are left out.
function job_status(job_ids bigint[]) returns TABLE(job_id bigint, state text, attempts smallint, max_attempts smallint, run_at timestamp with time zone, finished_at timestamp with time zone, path text, verified_at timestamp with time zone, failure_code text, failure_message text) -- security definer;

-- Those of the jobs that belong to a tenant; all for null.
function jobs_of(job_ids bigint[], owner integer) returns bigint[];

function json_instant(element jsonb, field text, place text) returns timestamp with time zone;

function json_number(element jsonb, field text, place text, low numeric, high numeric) returns double precision;

function json_text(element jsonb, field text, place text, shortest integer, longest integer) returns text;

function json_whole(element jsonb, field text, place text, low numeric, high numeric) returns bigint;

-- Key of the advisory lock that lets one transaction at a time take rows out of a load.
function load_lock(load text, staged_by name) returns bigint;

function nearest(word text, candidates text[]) returns text;

-- The same upwards: the first image above a job, or null.
function newer_image_of_campaign(of_name text, of_signature text, claimed_from timestamp with time zone, claimed_to timestamp with time zone, above bigint, looks integer) returns bigint -- security definer;

-- Jobs of the campaigns of a name (tenants may share it) below an id, newest first; one walk through index job_recipes_by_campaign each.
function newest_of_campaign(of_name text, below bigint, at_most integer) returns TABLE(job_id bigint, prompt text, tags text[]) -- security definer;

-- Tells upstream apps that jobs ended: channel SCHEMA_done.
function notify_done(job_ids bigint[], state text) returns void;

-- Wakes idle workers: channel SCHEMA_jobs.
function notify_work(ready_groups integer[], always boolean) returns void;

function owner_of_submit(wanted text) returns tenants;

-- Deletes archived jobs past their retention; returns how many.
function prune_archive(older_than interval, at_most integer DEFAULT 50000) returns integer -- security definer;

-- Deletes batches, checkpoints, canaries and workers past their retention that no job refers to; returns how many rows.
function prune_history(older_than interval, at_most integer DEFAULT 5000) returns integer -- security definer;

-- Deletes rows staged before their retention that nobody submitted; returns how many.
function prune_staged(older_than interval) returns bigint -- security definer;

-- Writes a checkpoint with its consequence: passed verifies the worker's unverified images, anything else requeues their jobs.
function record_checkpoint(of_worker uuid, of_batch bigint, with_epoch bigint, on_model text, on_device text, compute_type text, judged text, expected text, actual text, tensors integer, size_bytes bigint, drifted text[], elapsed_ms double precision, reloaded_tensors integer, reloaded_bytes bigint, reload_ms double precision) returns TABLE(checkpoint_id bigint, images_verified integer, jobs_requeued integer) -- security definer;

-- Raises the one error that says which element and field was wrong, what was expected and what to do.
function refuse(place text, field text, problem text) returns void;

function requeue_jobs(of_batch bigint, these bigint[], from_state text, why text, said text, counts boolean, new_limit smallint DEFAULT NULL::smallint) returns integer;

-- Takes back leases that ran out; returns how many batches were rescued.
function rescue_expired() returns integer -- security definer;

-- Puts failed jobs back by campaign, failure code or signature; returns how many.
function retry_failed(of_campaign text DEFAULT NULL::text, with_code text DEFAULT NULL::text, of_signature text DEFAULT NULL::text, at_most integer DEFAULT 10000) returns integer -- security definer;

-- Puts failed or cancelled jobs back with fresh attempts; returns their ids.
function retry_jobs(job_ids bigint[], tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- Moves waiting jobs to another priority; returns how many moved.
function set_priority(job_ids bigint[], new_priority integer) returns integer -- security definer;

function shown(value jsonb) returns text;

-- Signatures with ready jobs in text order after a given one; waiting is exact below count_limit per dispatch group.
function signature_backlog(after_signature text DEFAULT ''::text, at_most integer DEFAULT 50, count_limit integer DEFAULT 1000) returns TABLE(signature text, waiting bigint, oldest timestamp with time zone) -- security definer;

function spelled_adapter(spelling text, place text) returns jsonb;

-- Takes <lora:name:unet:text_encoder> out of a prompt.
function split_prompt(prompt text, OUT rest text, OUT adapters text) returns record;

function staged_job_json(staged staged_jobs) returns jsonb;

function strength_text(strength numeric) returns text;

-- Submits one job; returns its id.
function submit_job(job jsonb, tenant text DEFAULT NULL::text) returns bigint -- security definer;

-- Submits all jobs or none; one id per element, in order. Fields: docs/sql-api.md.
function submit_jobs(jobs jsonb, tenant text DEFAULT NULL::text) returns SETOF bigint -- security definer;

-- Submits the rows that this role staged under a load name, all or none; returns how many jobs are new. Rows whose idempotency key is known are left out.
function submit_staged(load text DEFAULT ''::text, tenant text DEFAULT NULL::text) returns bigint -- security definer;

-- Waiting jobs by signature in the order of dispatch, from a place on; hops through index jobs_by_signature, and counts to 5,000 at most.
function waiting_signatures(from_priority integer, after_signature text, after_group integer, at_most integer) returns TABLE(priority smallint, signature text, group_id integer, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint, oldest_at timestamp with time zone) -- security definer;

-- Whether a dispatch window is open at an instant.
function window_is_open(time_zone text, opens time without time zone, closes time without time zone, weekdays integer[], instant timestamp with time zone) returns boolean;
