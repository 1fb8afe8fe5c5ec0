create or replace function owner_of_submit(wanted text) returns tenants
language sql stable as $$
  select t from tenants t where t.id = coalesce(caller_tenant(wanted), (find_tenant(null)).id)
$$;
comment on function owner_of_submit is 'The tenant that a submit is for: the one named, if the caller may act for it, else the caller''s own.';
