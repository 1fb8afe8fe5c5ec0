-- Submitting. Every rule about a job is checked by functions, so that all producers, in any language, get the same answer. Errors carry
-- SQLSTATE BG001, the message names element and field, and the detail is JSON with both. Bulk submitting: a producer COPYs rows into
-- staged_jobs and calls submit_staged, which checks and enqueues them as sets.

create type checked_job as (
  model_id int,
  priority int,
  campaign text,
  run_at timestamptz,
  deadline timestamptz,
  max_attempts int,
  signature text,
  tags text[],
  idempotency_key text,
  recipe jsonb
);
comment on type checked_job is 'A job request after every rule was checked and every default filled in.';

create type job_spelling as (
  model text,
  adapters text,
  model_id int,
  signature text,
  defaults jsonb
);
comment on type job_spelling is
  'What a spelling of model and adapters in a staged load stands for, and what its recipes have where rows leave fields out.';

create unlogged table staged_jobs (
  job_id bigint not null default nextval('jobs_id_seq'),
  staged_by name not null default session_user,
  staged_at timestamptz not null default now(),
  load text not null default '',
  recipe jsonb not null default '{}',
  model text,
  adapters text,
  campaign text,
  priority int,
  run_at timestamptz,
  deadline timestamptz,
  max_attempts int,
  tags text[],
  idempotency_key text
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000);
comment on table staged_jobs is
  'Rows on their way into the queue: filled by COPY, emptied by submit_staged. Unlogged: a crash of the server loses what was not '
  'submitted yet.';
comment on column staged_jobs.load is 'Name the producer gives to rows that belong together; several loads can be under way at once.';
comment on column staged_jobs.staged_at is 'Rows that nobody submits go after a week: prune_staged.';
comment on column staged_jobs.recipe is 'The drawing part of the job: fields by the names of docs/sql-api.md; nulls count as left out.';
comment on column staged_jobs.adapters is 'As in a signature: name@0.8+other@0.5.';
alter table staged_jobs alter column recipe set statistics 0;
-- Without the number of the row: all rows of a load then share one entry of the index.
create index staged_jobs_by_load on staged_jobs (load, staged_by);
