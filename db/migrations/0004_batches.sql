-- Workers, the batches that they hold, and the images that they saved.

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
  adapter_cache_bytes bigint not null default 0,
  canary_ordered boolean not null default false
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
comment on table workers is 'Worker processes by start; each start is a new row.';
comment on column workers.canary_ordered is
  'Somebody, or the clock, wants a canary of this worker; the heartbeat that reads it clears it.';

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
comment on table batches is
  'Jobs of one signature leased to one worker. The lease, its fencing epoch and the verdict of the checkpoint live here, so that a '
  'heartbeat or a checkpoint writes one row, not one per job.';
comment on column batches.epoch is
  'Fencing token: raised when the lease is taken back; a write that names another epoch is refused. Starts as the microsecond of the '
  'claim, so that it is never the token of a claim that a crash of the server undid and whose batch id came back.';
comment on column batches.finished is 'Jobs that ended, as heartbeats report and completions count them.';
comment on column batches.unended is
  'Jobs not recorded as ended under this lease; those cancelled meanwhile stay counted. 0 means that none is running.';
comment on column batches.completions is 'Completions written so far; images carry the number of theirs.';
comment on column batches.checked_completions is 'Completions that a checkpoint has judged: their images are verified, or were requeued.';
comment on column batches.images is
  'Images it recorded and no checkpoint discarded: what a night drew is summed up here instead of read image by image.';
comment on column batches.verified is 'How many of them a passed checkpoint covers.';
comment on column batches.lease_expires_at is
  'While open: when the lease ends. After: until when other workers leave a small signature to this worker.';
create index batches_by_signature on batches (signature, lease_expires_at);
create index batches_open on batches (lease_expires_at) where state = 'open';
create index batches_unchecked on batches (worker_id) where checked_completions < completions;
create index batches_by_worker on batches (worker_id, id);
create index batches_by_time on batches (claimed_at);

create table campaign_batches (
  campaign_id int not null,
  batch_id bigint not null,
  constraint campaign_batches_pkey primary key (campaign_id, batch_id)
);
comment on table campaign_batches is
  'Batches that recorded images of a campaign, one row for each batch and campaign: where a campaign of a million jobs has its images, '
  'and from when to when it was drawn.';

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
comment on column images.completion is
  'Which completion of the batch recorded it; verified once a passed checkpoint has checked that completion.';
