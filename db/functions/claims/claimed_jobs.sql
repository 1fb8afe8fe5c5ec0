create or replace function claimed_jobs(batch batches, remembered jsonb, job_ids bigint[], job_attempts smallint[])
returns table (
  batch_id bigint, epoch bigint, signature text, lease_expires_at timestamptz, remembered_once jsonb, job_id bigint, attempt smallint,
  recipe jsonb)
language sql stable as $$
  -- The answer: the first row carries what the worker remembers. Attempts are counted at the claim.
  select batch.id, batch.epoch, batch.signature, batch.lease_expires_at, case when u.n = 1 then remembered end,
    u.id, (u.attempts + 1)::smallint, r.recipe
  from unnest(job_ids, job_attempts) with ordinality u(id, attempts, n)
  join job_recipes r on r.job_id = u.id
  order by u.n
$$;
comment on function claimed_jobs is 'Step of claim_batch: one row per job of the batch, with what to render.';
