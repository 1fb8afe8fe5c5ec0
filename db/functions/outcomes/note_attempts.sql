create or replace function note_attempts(
  of_batch batches, job_ids bigint[], attempts int[], counted boolean[], codes text[], messages text[])
returns int
language plpgsql as $$
begin
  insert into job_attempts (job_id, attempt, counted, code, message, worker_id, batch_id, started_at)
  select u.job_id, u.attempt, u.counted, u.code, u.message, of_batch.worker_id, of_batch.id, of_batch.claimed_at
  from unnest(job_ids, attempts, note_attempts.counted, codes, messages) u(job_id, attempt, counted, code, message);
  return coalesce(cardinality(job_ids), 0);
end $$;
comment on function note_attempts is
  'Records attempts of a batch that did not end in an image, from parallel arrays with one entry per job; returns how many.';
