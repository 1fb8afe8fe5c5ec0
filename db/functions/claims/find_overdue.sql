create or replace function find_overdue(claim claim_state, of_tenant int, up_to_virtual_time double precision) returns signature_choice
language plpgsql as $$
-- The job that waits longest of those that waited longer than MaxWait (rule 4), of one tenant or of all (null), of tenants served no
-- further than a virtual time (null for any); its signature is not the fused one, and no other worker holds it (rule 7).
declare
  memory constant claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  overdue constant timestamptz := claim.started - claim.max_wait;
  oldest timestamptz;
  choice signature_choice;
begin
  for place in 1 .. cardinality(groups) loop
    if groups[place].first_run_at <= overdue
      and (of_tenant is null or groups[place].tenant_id = of_tenant)
      and (up_to_virtual_time is null or groups[place].virtual_time <= up_to_virtual_time)
      and (oldest is null or groups[place].first_run_at < oldest)
      and groups[place].first_signature is distinct from memory.signature
      and not is_held_by_others(groups[place].first_signature, groups[place].group_id, claim.worker_id, claim.max_jobs)
    then
      oldest := groups[place].first_run_at;
      choice := row(groups[place].first_signature, place)::signature_choice;
    end if;
  end loop;
  return choice;
end $$;
comment on function find_overdue is 'Step of claim_batch: the signature of the job that waits longest, if it waited longer than MaxWait.';
