create or replace function find_next_signature(claim claim_state, of_tenant int, share_from int) returns signature_choice
language plpgsql as $$
-- The next signature of a tenant in text order after the fused one, wrapping round at the end (rule 6), without those that need what
-- the worker lacks (rule 1) and those that other workers hold (rule 7).
declare
  memory constant claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  fused constant text := memory.signature;
  after text := coalesce(fused, '');
  wrapped boolean := fused is null;
  choice signature_choice;
begin
  loop
    choice := find_signature_after(groups, of_tenant, after);
    if choice.place is not null and (not wrapped or fused is null or choice.signature < fused collate "C") then
      if not needs_adapter(choice.signature, claim.lacking_adapters)
        and not is_held_by_others(choice.signature, groups[choice.place].group_id, claim.worker_id, share_from)
      then
        return choice;
      end if;
      after := choice.signature;
    elsif wrapped then
      return null;
    else
      wrapped := true;
      after := '';
    end if;
  end loop;
end $$;
comment on function find_next_signature is 'Step of claim_batch: the next signature of a tenant in text order that is free.';
