create or replace function ensure_campaigns(names text[], for_tenant int) returns void
-- In PL/pgSQL, which keeps the plan for the calls to come; a function in SQL would be planned at each.
language plpgsql as $$
begin
  -- In one order, so that two submits cannot wait for each other.
  insert into campaigns (tenant_id, name)
  select distinct for_tenant, n
  from unnest(names) n
  where n is not null and not exists (select from campaigns c where c.tenant_id = for_tenant and c.name = n)
  order by 2
  on conflict do nothing;
end $$;
comment on function ensure_campaigns is 'Makes the campaigns that jobs name and that are not there yet.';
