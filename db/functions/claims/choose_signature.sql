create or replace function choose_signature(claim claim_state) returns claim_state
language plpgsql as $$
-- Stay or move on. The worker stays on its fused signature until that is drained or its budget is spent (rule 3), unless an overdue job
-- waits elsewhere of a tenant that had no more than its share (rule 4). When the fused signature's own next job is overdue too, leaving it
-- would only make more jobs late.
declare
  memory constant claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  choice signature_choice;
begin
  claim := find_fused(claim);
  claim.batches_spent := memory.batches;
  if claim.fused_place is not null and memory.batches < claim.max_batches then
    if claim.fused_run_at > claim.started - claim.max_wait then
      choice := find_overdue(claim, null, groups[claim.fused_place].virtual_time);
    end if;
    if choice.place is null then choice := row(memory.signature, claim.fused_place)::signature_choice; end if;
  elsif cardinality(groups) > 0 then
    choice := choose_other_signature(claim);
    -- The budget is spent, but nothing else waits: it begins anew.
    if choice.place is null and claim.fused_place is not null then
      choice := row(memory.signature, claim.fused_place)::signature_choice;
      claim.batches_spent := 0;
    end if;
  end if;
  if choice.signature is distinct from memory.signature then claim.batches_spent := 0; end if;
  claim.signature := choice.signature;
  claim.place := choice.place;
  return claim;
end $$;
comment on function choose_signature is 'Step of claim_batch: the signature to claim jobs of.';
