create or replace function owner_of_submit(wanted text) returns tenants
-- In PL/pgSQL, which keeps the plan for the calls to come; a function in SQL would be planned at each.
language plpgsql stable as $$
declare
  owner_id constant int := coalesce(caller_tenant(wanted), (find_tenant(null)).id);
  owner tenants;
begin
  select * into owner from tenants t where t.id = owner_id;
  return owner;
end $$;
comment on function owner_of_submit is
  'The tenant that a submit is for: the one named, if the caller may act for it, else the caller''s own.';
