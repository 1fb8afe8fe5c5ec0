create or replace function group_at_priority(g dispatch_groups, wanted int) returns int
language plpgsql as $$
-- No higher than the tenant may go.
declare
  allowed constant int := least(wanted, (select t.max_priority from tenants t where t.id = g.tenant_id));
  found_id int;
begin
  loop
    select n.id into found_id
    from dispatch_groups n where n.model_id = g.model_id and n.tenant_id = g.tenant_id and n.priority = allowed;
    if found then return found_id; end if;
    insert into dispatch_groups (model_id, priority, tenant_id) values (g.model_id, allowed, g.tenant_id) on conflict do nothing;
  end loop;
end $$;
comment on function group_at_priority is
  'The dispatch group of the same model and tenant with another priority; makes it where there is none.';
