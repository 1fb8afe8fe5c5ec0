create or replace function begin_claim(
  by_worker uuid, of_models text[], max_jobs int, max_wait interval, max_batches int, memory jsonb, max_pixels bigint)
returns claim_state
language plpgsql as $$
-- What was asked, what the worker lacks (rule 1), and what it remembers (rule 9). Where scans start and where the last batch ended is
-- forgotten when jobs came back, which may lie before those places, and when it is old, since a submit may commit long after it looked at
-- the clock; also when the clock was set back behind it.
declare
  claim claim_state;
  remembered claim_memory;
  nothing constant jsonb :=
    '{"batches": 0, "virtual_time": 0, "served": {}, "scanned_at": "-infinity", "scan_starts": {}, "last_ids": {}}';
  -- Asked by function, which costs no query; the function gives null while the sequence was never raised.
  requeues_now constant bigint := coalesce(pg_sequence_last_value('requeues'), 0);
begin
  claim.worker_id := by_worker;
  claim.models := of_models;
  claim.max_jobs := max_jobs;
  claim.max_wait := max_wait;
  claim.max_batches := max_batches;
  claim.max_pixels := max_pixels;
  -- A field, because the volatile clock_timestamp() cannot bound an index scan.
  claim.started := clock_timestamp();
  remembered := jsonb_populate_record(null::claim_memory, nothing || coalesce(memory, '{}'));
  if requeues_now is distinct from remembered.requeues
    or remembered.scanned_at not between claim.started - least(interval '30 s', max_wait / 4) and claim.started
  then
    remembered.requeues := requeues_now;
    remembered.scanned_at := claim.started;
    remembered.scan_starts := '{}';
    remembered.last_ids := '{}';
  end if;
  claim.memory := remembered;
  select array_agg(l.name) filter (where l.kind = 'adapter'), array_agg(l.name) filter (where l.kind = 'model')
  into claim.lacking_adapters, claim.lacking_models
  from worker_lacks l where l.worker_id = by_worker;
  return claim;
end $$;
comment on function begin_claim is 'Step of claim_batch: what was asked, what the worker lacks, and what it remembers.';
