create or replace function find_first_servable(claim claim_state, in_group int, of_tenant int, oldest waiting_group) returns waiting_group
language plpgsql as $$
-- Of a dispatch group whose oldest job needs an adapter that the worker lacks: the oldest one that does not, looked for among the first
-- 500; behind these, a job of the first signature in text order that needs none of them. Nothing when every signature needs one.
declare
  choice signature_choice;
begin
  select j.signature, j.run_at into oldest.first_signature, oldest.first_run_at
  from (
    select j.signature, j.run_at from jobs j
    where j.indexed_state = 'ready' and j.group_id = in_group and j.run_at >= oldest.first_run_at
    order by j.group_id, j.run_at limit 500) j
  where not needs_adapter(j.signature, claim.lacking_adapters)
  limit 1;
  if found then return oldest; end if;
  choice.signature := '';
  loop
    choice := find_signature_after(array[oldest], of_tenant, choice.signature);
    if choice.place is null then return null; end if;
    exit when not needs_adapter(choice.signature, claim.lacking_adapters);
  end loop;
  oldest.first_signature := choice.signature;
  select j.run_at into oldest.first_run_at
  from jobs j
  where j.indexed_state = 'ready' and j.group_id = in_group and j.signature = choice.signature
  order by j.group_id, j.signature, j.id limit 1;
  return oldest;
end $$;
comment on function find_first_servable is 'Step of claim_batch: the oldest job of a dispatch group that the worker can serve.';
