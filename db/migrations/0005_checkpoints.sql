-- What proves that the weights are what they were: checksums, and canary renders, which show with images what the checksums say with
-- digests.

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
create index weight_checkpoints_by_time on weight_checkpoints (created_at);
create index weight_checkpoints_with_faults on weight_checkpoints (id) where verdict <> 'passed';

create table canaries (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default clock_timestamp(),
  worker_id uuid not null references workers,
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
  constraint canaries_verdict_known check (verdict in ('first', 'equal', 'close', 'differs'))
);
comment on table canaries is 'Canary renders and how they compare with the first one of the same model, device, compute type and recipe.';
comment on column canaries.batch_id is 'The batch it followed; null at start and end of a worker.';
comment on column canaries.digest is 'SHA-256 of the pixels.';
comment on column canaries.psnr is 'dB against the first image; null for the first one and for equal ones.';
create index canaries_first on canaries (model_sha256, device, compute_type, recipe, id) where verdict = 'first';
create index canaries_by_time on canaries (created_at, id);
create index canaries_by_worker on canaries (worker_id, id);
