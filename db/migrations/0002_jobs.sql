-- Jobs and what becomes of them.
--
-- Hot and cold are apart: `jobs` is the narrow row that every claim and completion rewrites, `job_recipes` is written once. The bulk tables
-- (jobs, job_recipes, images) carry no foreign keys: a key check costs more than the rest of the insert. The functions that are the only
-- writers keep them consistent, and a test compares.

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
comment on column campaigns.reported_at is
  'When the dashboard saw that it had ended and, where a webhook is set, handed its report over; never taken back, so that it is reported '
  'once.';
create index campaigns_unreported on campaigns (id) where reported_at is null;

-- A dispatch group is a combination of model, priority and tenant. Claims choose a dispatch group, then a signature in it, so both indexes
-- of waiting jobs start with four bytes instead of three columns, and a claim knows which combinations exist without reading jobs.
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
comment on column jobs.indexed_state is
  'Which partial index holds the row. Indexes name this column only, never state: running to succeeded then changes no indexed column and '
  'stays a heap-only update.';
comment on column jobs.run_at is 'Not before this instant; the age of a waiting job counts from here.';
comment on column jobs.batch_limit is
  'Largest batch the job may be claimed in; halved each time its worker stopped answering, so that a poison job ends alone.';
comment on column jobs.campaign_id is '0 when the job belongs to no campaign.';
create index jobs_by_signature on jobs (group_id, signature, id) where indexed_state = 'ready';
-- Without the id: jobs submitted together get start times one microsecond apart, so that the scan start a claim remembers tells them apart.
create index jobs_by_age on jobs (group_id, run_at) where indexed_state = 'ready';
create index jobs_scheduled on jobs (run_at) where indexed_state = 'scheduled';
create index jobs_with_deadline on jobs (deadline) where deadline is not null and indexed_state in ('ready', 'scheduled');
create index jobs_waiting on jobs (id) where indexed_state in ('ready', 'scheduled');
create index jobs_failed on jobs (id) where indexed_state = 'failed';
-- Like the others it names no column that a completion writes; only what fails for good is entered.
create index jobs_failed_by_campaign on jobs (campaign_id, id) where indexed_state = 'failed' and campaign_id <> 0;
create index jobs_cancelled on jobs (id) where indexed_state = 'cancelled';

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
  'The drawing part of the job as one value: prompt, size, steps, seed and so on, by the names of docs/sql-api.md. Fields that are off '
  'are left out.';
-- No query looks inside, and gathering what it holds would take longer than gathering the rest.
alter table job_recipes alter column recipe set statistics 0;
create index job_recipes_by_tenant on job_recipes (tenant_id, job_id);
create index job_recipes_by_campaign on job_recipes (campaign_id, job_id) where campaign_id <> 0;
create index job_recipes_by_tag on job_recipes using gin (tags) where tags is not null;

create table idempotency_keys (
  tenant_id int not null,
  key text collate "C" not null,
  job_id bigint not null,
  constraint idempotency_keys_pkey primary key (tenant_id, key)
);
comment on table idempotency_keys is 'First job submitted under each key of a tenant.';
create index idempotency_keys_by_job on idempotency_keys (job_id);

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
    'invalid_job', 'adapter', 'model', 'generation', 'output', 'worker_lost', 'weight_integrity', 'deadline_passed', 'cancelled',
    'requeued'))
);
comment on table job_attempts is 'Attempts that did not end in an image; the one that did is the row in images.';
create index job_attempts_by_job on job_attempts (job_id, id);
create index job_attempts_by_end on job_attempts (ended_at);

-- Counters without a hot row: every function appends what it changed, one row per dispatch group, campaign and state, and fold_counts()
-- adds the changes up now and then. A count is the folded value plus the changes since.
create table job_counts (
  group_id int not null,
  campaign_id int not null,
  state text not null,
  count bigint not null,
  constraint job_counts_pkey primary key (group_id, campaign_id, state)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
comment on table job_counts is
  'Folded counts by dispatch group, campaign and state; state verified counts images beside the five job states, and fusions counts '
  'batches that switched signature.';
create index job_counts_by_campaign on job_counts (campaign_id) where campaign_id <> 0;

create table job_count_changes (
  group_id int not null,
  campaign_id int not null,
  state text not null,
  change bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table job_count_changes is 'Changes of counts not folded yet; only appended to, emptied by fold_counts().';
