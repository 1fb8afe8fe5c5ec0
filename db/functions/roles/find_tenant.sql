create or replace function find_tenant(wanted text) returns tenants
language plpgsql stable as $$
declare
  found_tenant tenants;
begin
  select * into found_tenant from tenants t where t.name_key = lower(coalesce(wanted, 'default'));
  if not found then
    perform refuse('tenant', null, format('there is no tenant ''%s''.', shortened(wanted, 100))
      || did_you_mean(wanted, array(select t.name from tenants t)));
  end if;
  return found_tenant;
end $$;
comment on function find_tenant is 'The tenant of a name in any case, null meaning default; refuses an unknown one.';
