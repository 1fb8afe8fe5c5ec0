-- What a worker cannot do on its machine, and whether it set itself aside: facts about machines, for which no job is charged.

alter table workers
  add column models text[],
  add column set_aside_at timestamptz,
  add column set_aside_reason text,
  add constraint workers_set_aside_has_reason check ((set_aside_at is null) = (set_aside_reason is null)),
  add constraint workers_set_aside_in_range check (
    set_aside_at >= timestamptz '0001-01-01 00:00:00+00' and set_aside_at < timestamptz '10000-01-01 00:00:00+00');
comment on column workers.models is 'Models that the worker may serve, in lower case; null means every one.';
comment on column workers.set_aside_at is
  'Since when the worker claims nothing because it failed jobs at an unusual rate; null while it works. A resume order ends it.';

create table worker_lacks (
  worker_id uuid not null references workers on delete cascade,
  kind text not null,
  name text not null,
  sha256 text not null,
  reason text not null,
  since timestamptz not null default clock_timestamp(),
  looked_at timestamptz not null default clock_timestamp(),
  constraint worker_lacks_pkey primary key (worker_id, kind, name),
  constraint worker_lacks_kind_known check (kind in ('adapter', 'model', 'output'))
);
comment on table worker_lacks is
  'What a worker lacks on its machine: an adapter or model whose files it cannot find, read or verify, or room for its images. It claims '
  'nothing that needs it, and a row goes when the worker finds it again.';
comment on column worker_lacks.name is 'The adapter or model as registered; of images, their folder.';
comment on column worker_lacks.sha256 is 'What the registry said when the worker looked; empty for images.';
comment on column worker_lacks.since is 'When the lack began; a worker started again under its name goes on counting from there.';
comment on column worker_lacks.looked_at is 'When the worker looked last.';

alter type claim_state add attribute lacking_adapters text[], add attribute lacking_models text[];
comment on column claim_state.lacking_adapters is 'begin_claim: adapters that the worker lacks; null for none. So lacking_models.';
