create or replace function choose_other_signature(claim claim_state) returns signature_choice
language plpgsql as $$
-- Moving on. Tenants in the order of their turn: first the one served least for its weight (rule 5). Of its jobs an overdue one leads (rule
-- 4), else the signature that follows the fused one in text order (rule 6). A signature that no other worker has fused goes first, since
-- sharing costs a fusion; only when there is none, one with work enough to share (rule 7).
declare
  tenants int[];
  turn int;
  choice signature_choice;
begin
  if cardinality(claim.groups) = 1 then
    -- The usual case: nothing to put in order.
    tenants := array[claim.groups[1].tenant_id];
  else
    tenants := array(
      select u.tenant_id
      from unnest(claim.groups) with ordinality u
      group by u.tenant_id
      order by min(u.virtual_time), min(u.ordinality));
  end if;
  foreach turn in array tenants loop
    choice := find_overdue(claim, turn, null);
    if choice.place is null then choice := find_next_signature(claim, turn, null); end if;
    if choice.place is null then choice := find_next_signature(claim, turn, claim.max_jobs); end if;
    exit when choice.place is not null;
  end loop;
  return choice;
end $$;
comment on function choose_other_signature is 'Step of claim_batch: the signature to move on to.';
