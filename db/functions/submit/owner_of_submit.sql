create or replace function owner_of_submit(wanted text) returns tenants
language sql stable as $$
  select t from tenants t where t.id = coalesce(caller_tenant(wanted), (find_tenant(null)).id)
$$;
