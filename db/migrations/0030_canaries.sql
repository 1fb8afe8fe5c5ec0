-- Canary renders: the same small recipe drawn now and then, to see with images what the checksums say with digests.

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
comment on index canaries_first is 'find_canary: the image to compare with';
create index canaries_by_time on canaries (created_at, id);
comment on index canaries_by_time is 'list_canaries: the newest, those of a night or of a campaign';
create index canaries_by_worker on canaries (worker_id, id);
comment on index canaries_by_worker is 'list_canaries: what a worker drew';

alter table workers add column canary_ordered boolean not null default false;
comment on column workers.canary_ordered is 'Somebody, or the clock, wants a canary of this worker; the heartbeat that hears it takes it back.';
