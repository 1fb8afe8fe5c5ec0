-- Types that the functions of submitting hand to each other. Every rule about a job is checked by functions, so that all producers, in any language,
-- get the same answer. Errors carry SQLSTATE BG001, the message names element and field, and the detail is JSON with both.

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
comment on type job_spelling is 'What a spelling of model and adapters in a staged load stands for, and what its recipes have where rows leave fields out.';
