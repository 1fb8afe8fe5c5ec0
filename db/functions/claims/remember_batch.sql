create or replace function remember_batch(claim claim_state) returns claim_memory
language plpgsql as $$
-- What the worker remembers of this batch (rule 9): each tenant is charged for its jobs (rule 5), and the next batch of the signature
-- starts behind them.
declare
  memory claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  least_virtual_time double precision;
  places int[];
  tenant text;
begin
  -- The clock of fairness is the least virtual time among those who wait, so that whoever waits keeps its credit while another stays on its
  -- signature.
  for place in 1 .. cardinality(groups) loop
    least_virtual_time := least(least_virtual_time, groups[place].virtual_time);
  end loop;
  memory.virtual_time := least_virtual_time;
  if claim.signature is distinct from memory.signature then memory.last_ids := '{}'; end if;
  for place in 1 .. cardinality(groups) loop
    places := array_positions(claim.job_places, place);
    continue when places = '{}';
    tenant := groups[place].tenant_id;
    memory.served := memory.served || jsonb_build_object(tenant,
      greatest(coalesce((memory.served ->> tenant)::float8, 0), memory.virtual_time) + cardinality(places) / groups[place].weight);
    memory.last_ids := memory.last_ids || jsonb_build_object(groups[place].group_id::text, claim.job_ids[places[cardinality(places)]]);
  end loop;
  memory.signature := claim.signature;
  memory.batches := claim.batches_spent + 1;
  return memory;
end $$;
comment on function remember_batch is 'Step of claim_batch: what the worker remembers of the batch.';
