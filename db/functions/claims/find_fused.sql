create or replace function find_fused(claim claim_state) returns claim_state
language plpgsql as $$
-- Whether the fused signature has work in this priority level, for rule 3. Looked for behind the last job claimed of it (rule 9), then from
-- its beginning.
declare
  memory claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  in_group int;
  last_id bigint;
  waits_since timestamptz;
begin
  if memory.signature is null or needs_adapter(memory.signature, claim.lacking_adapters) then return claim; end if;
  for place in 1 .. cardinality(groups) loop
    continue when not starts_with(memory.signature, groups[place].model || '|');
    in_group := groups[place].group_id;
    last_id := coalesce((memory.last_ids ->> in_group::text)::bigint, 0);
    loop
      select j.run_at into waits_since
      from jobs j
      where j.indexed_state = 'ready' and j.group_id = in_group and j.signature = memory.signature and j.id > last_id
      order by j.group_id, j.signature, j.id limit 1;
      exit when found or last_id = 0;
      last_id := 0;
      memory.last_ids := memory.last_ids - in_group::text;
    end loop;
    if waits_since is not null then
      claim.fused_place := place;
      claim.fused_run_at := waits_since;
      exit;
    end if;
  end loop;
  claim.memory := memory;
  return claim;
end $$;
comment on function find_fused is 'Step of claim_batch: whether the fused signature has work.';
