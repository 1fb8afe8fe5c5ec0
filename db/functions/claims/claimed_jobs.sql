create or replace function claimed_jobs(batch batches, remembered jsonb, job_ids bigint[], job_attempts smallint[])
returns table (
  batch_id bigint, epoch bigint, signature text, lease_expires_at timestamptz, remembered_once jsonb, job_id bigint, attempt smallint,
  prompt text, negative_prompt text, width smallint, height smallint, steps smallint, sampler text, guidance_scale double precision,
  seed bigint, format text, clip_skip smallint, guidance_rescale double precision, start_image text, strength double precision)
language sql stable as $$
  -- The answer: the first row carries what the worker remembers. Attempts are counted at the claim.
  select batch.id, batch.epoch, batch.signature, batch.lease_expires_at, case when u.n = 1 then remembered end,
    u.id, (u.attempts + 1)::smallint, r.prompt, r.negative_prompt, r.width, r.height, r.steps, r.sampler, r.guidance_scale, r.seed, r.format,
    r.clip_skip, r.guidance_rescale, r.start_image, r.strength
  from unnest(job_ids, job_attempts) with ordinality u(id, attempts, n)
  join job_recipes r on r.job_id = u.id
  order by u.n
$$;
comment on function claimed_jobs is 'Step of claim_batch: one row per job of the batch, with what to render.';
