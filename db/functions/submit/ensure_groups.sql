create or replace function ensure_groups(model_ids int[], priorities int[], for_tenant int) returns void
-- In PL/pgSQL, which keeps the plan for the calls to come; a function in SQL would be planned at each.
language plpgsql as $$
begin
  -- In one order, so that two submits cannot wait for each other.
  insert into dispatch_groups (model_id, priority, tenant_id)
  select distinct u.model_id, u.priority, for_tenant
  from unnest(model_ids, priorities) u(model_id, priority)
  where not exists (
    select from dispatch_groups g where g.model_id = u.model_id and g.priority = u.priority and g.tenant_id = for_tenant)
  order by 1, 2
  on conflict do nothing;
end $$;
comment on function ensure_groups is 'Makes the dispatch groups that jobs need and that are not there yet.';
