-- When and how jobs are claimed: docs/queue.md has the rules.

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
comment on table dispatch_windows is
  'When jobs may be claimed. A dispatch group to which enabled windows apply is open while one of them is; a dispatch group without any '
  'is always open.';
comment on column dispatch_windows.weekdays is
  'ISO days (1 is Monday) on which the window opens; one that crosses midnight belongs to the day it opened.';
comment on column dispatch_windows.exempt_priority is 'Jobs of at least this priority ignore the window; null means none do.';

-- A claim remembers from where on a dispatch group can hold waiting jobs. Jobs that come back with an old run_at raise this sequence, and
-- the memory is dropped. A sequence, because it has no row versions: it stays cheap while an old snapshot is held.
create sequence requeues;
comment on sequence requeues is 'Raised whenever jobs come back to the queue.';

create type claim_memory as (
  signature text,
  batches int,
  virtual_time double precision,
  served jsonb,
  requeues bigint,
  scanned_at timestamptz,
  scan_starts jsonb,
  last_ids jsonb
);
comment on type claim_memory is
  'What a worker carries from one claim to its next: claim_batch returns it as jsonb with these keys and takes it back. A claim without '
  'it, or with keys missing, chooses rightly too; it only takes longer.';
comment on column claim_memory.signature is 'The signature that the worker has fused.';
comment on column claim_memory.batches is 'Batches that it claimed of this signature since it fused it.';
comment on column claim_memory.virtual_time is
  'The least virtual time among the tenants with work at the last claim. A tenant that has work again after a pause starts here, so that '
  'it cannot save up turns.';
comment on column claim_memory.served is
  'Per tenant id: the virtual time up to which this worker served the tenant, that is jobs divided by the tenant''s weight.';
comment on column claim_memory.requeues is 'Value of sequence requeues at the last claim. Another value drops scan_starts and last_ids.';
comment on column claim_memory.scanned_at is 'When scan_starts and last_ids were dropped last.';
comment on column claim_memory.scan_starts is
  'Per dispatch group id: an instant, in seconds since 1970, before which no job of the group waits.';
comment on column claim_memory.last_ids is
  'Per dispatch group id: the last job claimed of the fused signature; no job of it before that one waits.';

create type waiting_group as (
  group_id int,
  model text,
  tenant_id int,
  weight real,
  virtual_time double precision,
  first_signature text,
  first_run_at timestamptz
);
comment on type waiting_group is 'A dispatch group of the chosen priority level that has work, with its oldest waiting job.';

create type signature_choice as (
  signature text,
  place int
);
comment on type signature_choice is
  'A signature and the place, among the waiting groups of a claim, of the group that it was found in; both null for none.';

create type claim_state as (
  worker_id uuid,
  models text[],
  max_jobs int,
  max_wait interval,
  max_batches int,
  max_pixels bigint,
  started timestamptz,
  memory claim_memory,
  groups waiting_group[],
  fused_place int,
  fused_run_at timestamptz,
  signature text,
  place int,
  batches_spent int,
  job_ids bigint[],
  job_attempts smallint[],
  job_rows tid[],
  job_places int[]
);
comment on type claim_state is 'What the steps of claim_batch hand on: what was asked, then what each step found.';
comment on column claim_state.groups is
  'find_waiting_groups: the groups of the highest priority level that has work; the tenant served least comes first.';
comment on column claim_state.fused_place is
  'find_fused: place of the group that has work of the fused signature; null when it is drained.';
comment on column claim_state.fused_run_at is 'find_fused: since when the next job of the fused signature waits.';
comment on column claim_state.signature is 'choose_signature: the signature to claim jobs of.';
comment on column claim_state.place is 'choose_signature: place of the group that it was found in; null when nothing is to be claimed.';
comment on column claim_state.batches_spent is 'choose_signature: batches claimed of it before this one.';
comment on column claim_state.job_ids is 'take_jobs: the jobs of the batch. The three arrays beside it are parallel.';
comment on column claim_state.job_rows is 'take_jobs: where the locked rows lie, so that they are updated without a second search.';
comment on column claim_state.job_places is 'take_jobs: place of each job''s group among the waiting groups.';
