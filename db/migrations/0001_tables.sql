-- Tables of the queue. What each one is for stands in its comment; db/README.md has the overview.
--
-- Hot and cold are apart: `jobs` is the narrow row that every claim and completion rewrites, `job_recipes` is written once.
-- The bulk tables (jobs, job_recipes, images) carry no foreign keys: a key check costs more than the rest of the insert. The functions that are
-- the only writers keep them consistent, and a test compares.

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

create table campaigns (
  id int generated always as identity primary key,
  tenant_id int not null references tenants,
  name text not null,
  created_at timestamptz not null default now(),
  reported_at timestamptz,
  constraint campaigns_name_unique unique (tenant_id, name),
  constraint campaigns_name_valid check (char_length(name) between 1 and 200)
);
comment on table campaigns is 'Named bulk requests; made when a job first names one.';
comment on column campaigns.reported_at is 'When the dashboard saw that it had ended and, where a webhook is set, handed its report over; never taken back, so that it is reported once.';
create index campaigns_unreported on campaigns (id) where reported_at is null;
comment on index campaigns_unreported is 'list_ended_campaigns: those that may have ended since';

-- A dispatch group is a combination of model, priority and tenant. Claims choose a dispatch group, then a signature in it, so both indexes of
-- waiting jobs start with four bytes instead of three columns, and a claim knows which combinations exist without reading jobs.
create table dispatch_groups (
  id int generated always as identity primary key,
  model_id int not null references models,
  priority smallint not null,
  tenant_id int not null references tenants,
  constraint dispatch_groups_unique unique (model_id, priority, tenant_id)
);
comment on table dispatch_groups is 'Combinations of model, priority and tenant that jobs have had; only grows.';

create table jobs (
  id bigint generated always as identity,
  run_at timestamptz not null,
  deadline timestamptz,
  finished_at timestamptz,
  batch_id bigint,
  group_id int not null,
  campaign_id int not null default 0,
  attempts smallint not null default 0,
  max_attempts smallint not null,
  batch_limit smallint not null default 32767,
  state text not null default 'queued',
  indexed_state text,
  signature text collate "C" not null,
  constraint jobs_pkey primary key (id),
  -- Two constraints, not one for each rule: every statement that writes jobs parses them anew.
  constraint jobs_state_fits check (coalesce(case state
    when 'queued' then indexed_state in ('ready', 'scheduled') and finished_at is null
    when 'running' then indexed_state is null and batch_id is not null and finished_at is null
    when 'succeeded' then indexed_state is null and finished_at is not null
    when 'failed' then indexed_state = 'failed' and finished_at is not null
    when 'cancelled' then indexed_state = 'cancelled' and finished_at is not null end, false)),
  constraint jobs_counts_in_range check (attempts >= 0 and max_attempts between 1 and 100 and batch_limit >= 1)
) with (
  -- Room for the two versions that a claim and a completion write, so that the completion can stay on its page.
  fillfactor = 75,
  -- A night writes more dead rows than the default of a fifth of the table would ever notice in time.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 1
);
comment on table jobs is 'One row per requested image: the narrow part that claims and completions rewrite.';
comment on column jobs.indexed_state is 'Which partial index holds the row. Indexes name this column only, never state: running to succeeded then changes no indexed column and stays a heap-only update.';
comment on column jobs.run_at is 'Not before this instant; the age of a waiting job counts from here.';
comment on column jobs.batch_limit is 'Largest batch the job may be claimed in; halved each time its worker went away, so that a poison job ends alone.';
comment on column jobs.campaign_id is '0 when the job belongs to no campaign.';

create index jobs_by_signature on jobs (group_id, signature, id) where indexed_state = 'ready';
comment on index jobs_by_signature is 'claim_batch: jobs of a signature, and the next signature in text order';
-- Without the id: jobs submitted together get start times one microsecond apart, so that the floor a claim remembers tells them apart.
create index jobs_by_age on jobs (group_id, run_at) where indexed_state = 'ready';
comment on index jobs_by_age is 'claim_batch: whether a dispatch group has work and who waits longest; submit_jobs: whether a notification is due';
create index jobs_scheduled on jobs (run_at) where indexed_state = 'scheduled';
comment on index jobs_scheduled is 'advance_clock: jobs whose start time or retry has come';
create index jobs_with_deadline on jobs (deadline) where deadline is not null and indexed_state in ('ready', 'scheduled');
comment on index jobs_with_deadline is 'advance_clock: waiting jobs whose deadline passed';
create index jobs_waiting on jobs (id) where indexed_state in ('ready', 'scheduled');
comment on index jobs_waiting is 'list_jobs: waiting jobs, newest first';
create index jobs_failed on jobs (id) where indexed_state = 'failed';
comment on index jobs_failed is 'list_jobs, retry_jobs_where: failed jobs, newest first';
-- Like the others it names no column that a completion writes; only what fails for good is entered.
create index jobs_failed_by_campaign on jobs (campaign_id, id) where indexed_state = 'failed' and campaign_id <> 0;
comment on index jobs_failed_by_campaign is 'list_failure_reasons: failed jobs of a campaign, newest first';
create index jobs_cancelled on jobs (id) where indexed_state = 'cancelled';
comment on index jobs_cancelled is 'list_jobs: cancelled jobs, newest first';

create table job_recipes (
  job_id bigint primary key,
  created_at timestamptz not null default now(),
  tenant_id int not null,
  campaign_id int not null default 0,
  tags text[],
  recipe jsonb not null,
  constraint job_recipes_recipe_is_object check (jsonb_typeof(recipe) = 'object')
);
comment on table job_recipes is 'What each job renders, apart from its signature; written once.';
comment on column job_recipes.recipe is
  'The drawing part of the job as one value: prompt, size, steps, seed and so on, by the names of docs/sql-api.md. Fields that are off are left out.';
create index job_recipes_by_tenant on job_recipes (tenant_id, job_id);
comment on index job_recipes_by_tenant is 'list_ids_of_tenant: jobs of a tenant, newest first, however many others have';
create index job_recipes_by_campaign on job_recipes (campaign_id, job_id) where campaign_id <> 0;
comment on index job_recipes_by_campaign is 'list_jobs, count_fusions: jobs of a campaign, newest first';
create index job_recipes_by_tag on job_recipes using gin (tags) where tags is not null;
comment on index job_recipes_by_tag is 'list_jobs: jobs with a tag';

create table idempotency_keys (
  tenant_id int not null,
  key text collate "C" not null,
  job_id bigint not null,
  constraint idempotency_keys_pkey primary key (tenant_id, key)
);
comment on table idempotency_keys is 'First job submitted under each key of a tenant.';
create index idempotency_keys_by_job on idempotency_keys (job_id);
comment on index idempotency_keys_by_job is 'archive_jobs: keys of jobs that leave';

create table workers (
  id uuid primary key,
  name text not null,
  device text not null,
  device_description text not null,
  compute_type text not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  stopped_at timestamptz,
  stop_reason text,
  paused boolean not null default false,
  draining boolean not null default false,
  adapter_cache_hits bigint not null default 0,
  adapter_cache_misses bigint not null default 0,
  adapter_cache_bytes bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
comment on table workers is 'Worker processes by start; each start is a new row.';

create table batches (
  id bigint generated always as identity primary key,
  epoch bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
  worker_id uuid not null references workers,
  claimed_at timestamptz not null default clock_timestamp(),
  lease_expires_at timestamptz not null,
  ended_at timestamptz,
  verified_at timestamptz,
  checkpoint_id bigint,
  group_id int not null,
  step int not null default 0,
  steps int not null default 0,
  finished int not null default 0,
  unended int not null,
  completions int not null default 0,
  checked_completions int not null default 0,
  images int not null default 0,
  verified int not null default 0,
  fused boolean not null,
  state text not null default 'open',
  signature text collate "C" not null,
  job_ids bigint[] not null,
  constraint batches_state_known check (state in ('open', 'ended', 'lost')),
  constraint batches_ended_when_not_open check ((ended_at is null) = (state = 'open')),
  constraint batches_unended_range check (unended >= 0),
  constraint batches_completions_order check (checked_completions between 0 and completions)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on table batches is 'Jobs of one signature leased to one worker. The lease, its fencing epoch and the verdict of the checkpoint live here, so that a heartbeat or a checkpoint writes one row, not one per job.';
comment on column batches.epoch is 'Fencing token: raised when the lease is taken back; a write that names another epoch is refused. Starts as the microsecond of the claim, so that it is never the token of a claim that a crash of the server undid and whose batch id came back.';
comment on column batches.finished is 'Jobs that ended, as heartbeats report and completions count them; for people.';
comment on column batches.unended is 'Jobs not recorded as ended under this lease; those cancelled meanwhile stay counted. 0 means that none is running.';
comment on column batches.completions is 'Completions written so far; images carry the number of theirs.';
comment on column batches.checked_completions is 'Completions that a checkpoint has judged: their images are verified, or were requeued.';
comment on column batches.images is 'Images it recorded and no checkpoint discarded: what a night drew is summed up here instead of read image by image.';
comment on column batches.verified is 'How many of them a passed checkpoint vouches for.';
comment on column batches.lease_expires_at is 'While open: when the lease ends. After: until when other workers leave a small signature to this worker.';
create index batches_by_signature on batches (signature, lease_expires_at);
comment on index batches_by_signature is 'claim_batch: whether another live worker holds the signature';
create index batches_open on batches (lease_expires_at) where state = 'open';
comment on index batches_open is 'rescue_expired, list_workers, list_jobs: batches under lease';
create index batches_unchecked on batches (worker_id) where checked_completions < completions;
comment on index batches_unchecked is 'record_checkpoint, rescue_expired: batches with images no checkpoint has judged';
create index batches_by_worker on batches (worker_id, id);
comment on index batches_by_worker is 'list_workers: the newest batch of a worker';

create table campaign_batches (
  campaign_id int not null,
  batch_id bigint not null,
  constraint campaign_batches_pkey primary key (campaign_id, batch_id)
);
comment on table campaign_batches is 'Batches that recorded images of a campaign, one row for each batch and campaign: where a campaign of a million jobs has its images, and from when to when it was drawn.';

create table images (
  job_id bigint primary key,
  batch_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  size_bytes bigint not null,
  seed bigint not null,
  completion int not null,
  width int not null,
  height int not null,
  sha256 bytea not null,
  path text not null,
  recipe jsonb not null,
  constraint images_sha256_length check (octet_length(sha256) = 32),
  constraint images_path_relative check (path <> '' and path !~ '(^/|\\|(^|/)\.\.(/|$))')
);
comment on table images is 'The saved image of each succeeded job. Whether it is verified follows from its batch: view results.';
comment on column images.completion is 'Which completion of the batch recorded it; verified once a passed checkpoint has checked that completion.';

create table job_attempts (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  attempt smallint not null,
  counted boolean not null,
  code text not null,
  message text not null,
  worker_id uuid,
  batch_id bigint,
  started_at timestamptz,
  ended_at timestamptz not null default clock_timestamp(),
  constraint job_attempts_code_known check (code in (
    'invalid_job', 'adapter', 'model', 'generation', 'output', 'worker_lost', 'weight_integrity', 'deadline_passed', 'cancelled', 'requeued'))
);
comment on table job_attempts is 'Attempts that did not end in an image; the one that did is the row in images.';
create index job_attempts_by_job on job_attempts (job_id, id);
comment on index job_attempts_by_job is 'find_job, list_jobs: last failure; job_history';
create index job_attempts_by_end on job_attempts (ended_at);
comment on index job_attempts_by_end is 'ended_without_image: what failed or was cancelled in a night';

create table weight_checkpoints (
  id bigint generated always as identity primary key,
  worker_id uuid not null references workers,
  batch_id bigint,
  model text not null,
  device text not null,
  compute_type text not null,
  verdict text not null,
  expected_digest text not null,
  actual_digest text not null,
  tensors int not null,
  size_bytes bigint not null,
  drifted_tensors text[] not null default '{}',
  elapsed_ms double precision not null,
  reloaded_tensors int,
  reloaded_bytes bigint,
  reload_ms double precision,
  images_verified int not null default 0,
  jobs_requeued int not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  constraint weight_checkpoints_verdict_known check (verdict in ('passed', 'drifted', 'restored', 'unrecoverable'))
);
comment on table weight_checkpoints is 'Checksums of base weights against their baseline, after each unload.';
create index weight_checkpoints_by_worker on weight_checkpoints (worker_id, id);
comment on index weight_checkpoints_by_worker is 'list_checkpoints of one worker';
create index weight_checkpoints_by_time on weight_checkpoints (created_at);
comment on index weight_checkpoints_by_time is 'count_checkpoints_between: those of a night, or of a campaign';

-- Counters without a hot row: every function appends what it changed, one row per dispatch group, campaign and state, and fold_counts() adds the
-- changes up now and then. A count is the folded value plus the changes since.
create table job_counts (
  group_id int not null,
  campaign_id int not null,
  state text not null,
  count bigint not null,
  constraint job_counts_pkey primary key (group_id, campaign_id, state)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
comment on table job_counts is 'Folded counts by dispatch group, campaign and state; state verified counts images beside the five job states, and fusions counts batches that switched signature.';
create index job_counts_by_campaign on job_counts (campaign_id) where campaign_id <> 0;
comment on index job_counts_by_campaign is 'count_jobs of a campaign';
create table job_count_changes (
  group_id int not null,
  campaign_id int not null,
  state text not null,
  change bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table job_count_changes is 'Changes of counts not folded yet; only appended to, emptied by fold_counts().';

-- A claim remembers from where on a dispatch group can hold waiting jobs. Jobs that come back with an old run_at raise this sequence, and the memory is dropped.
-- A sequence, because it has no row versions: it stays cheap while an old snapshot is held.
create sequence requeues;
comment on sequence requeues is 'Raised whenever jobs come back to the queue.';

create table dispatch_windows (
  id int generated always as identity primary key,
  name text not null unique,
  tenant_id int references tenants,
  model_id int references models,
  time_zone text not null default 'UTC',
  opens time not null,
  closes time not null,
  weekdays int[] not null default '{1,2,3,4,5,6,7}',
  exempt_priority smallint,
  enabled boolean not null default true,
  constraint dispatch_windows_weekdays check (weekdays <@ array[1, 2, 3, 4, 5, 6, 7]),
  -- Raises an error for a zone this server does not know: every claim would meet it.
  constraint dispatch_windows_zone_known check (timezone(time_zone, timestamptz 'epoch') is not null)
);
comment on table dispatch_windows is 'When jobs may be claimed. A dispatch group to which enabled windows apply is open while one of them is; a dispatch group without any is always open.';
comment on column dispatch_windows.weekdays is 'ISO days (1 is Monday) on which the window opens; one that crosses midnight belongs to the day it opened.';
comment on column dispatch_windows.exempt_priority is 'Jobs of at least this priority ignore the window; null means none do.';
