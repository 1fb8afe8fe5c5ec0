-- Submitting: every rule about a job is checked here, so that all producers, in any language, get the same answer.
-- Errors carry SQLSTATE BG001, the message names element and field, and the detail is JSON with both.

create type checked_job as (
  model_id int,
  priority smallint,
  campaign text,
  run_at timestamptz,
  deadline timestamptz,
  max_attempts smallint,
  signature text,
  seed bigint,
  guidance_scale double precision,
  guidance_rescale double precision,
  strength double precision,
  width smallint,
  height smallint,
  steps smallint,
  clip_skip smallint,
  format text,
  sampler text,
  prompt text,
  negative_prompt text,
  start_image text,
  tags text[],
  idempotency_key text
);
comment on type checked_job is 'A job request after every rule was checked and every default filled in.';
