create or replace function caller_tenant(wanted text) returns int
language plpgsql stable security definer as $$
-- Whose jobs the session may act on: a role bound to a tenant on that tenant's; members of the owner (and readers and workers) on
-- everybody's, which is null.
declare
  bound text;
begin
  if to_regclass('tenant_roles') is not null then
    select t.name into bound from tenant_roles r join tenants t on t.id = r.tenant_id where r.role_name = session_user;
  end if;
  if bound is null and exists (
    -- Inside a function of the owner, current_user is the owner.
    select from pg_roles r
    where r.rolname in (current_user, 'batchgen_reader', 'batchgen_worker') and pg_has_role(session_user, r.oid, 'member'))
  then
    return case when wanted is not null then (find_tenant(wanted)).id end;
  end if;
  bound := coalesce(bound, 'default');
  if wanted is not null and lower(wanted) <> lower(bound) then
    perform refuse('tenant', null, format('role ''%s'' acts for tenant ''%s'' only; leave the tenant out.', session_user, bound));
  end if;
  return (find_tenant(bound)).id;
end $$;
comment on function caller_tenant is 'The tenant this session acts for; null means all.';
