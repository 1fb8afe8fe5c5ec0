-- What the roles of the queue have that a role must not have which only stands for rights: a login, rights over the whole server, or
-- membership of another role. Returns role, fault (to be read behind the name), remedy (a statement).
select r.rolname::text as role, a.fault, format('alter role %I %s', r.rolname, a.without) as remedy
from pg_roles r
cross join lateral (values
  (r.rolcanlogin, 'may log in', 'nologin'),
  (r.rolsuper, 'is superuser', 'nosuperuser'),
  (r.rolcreaterole, 'may create roles', 'nocreaterole'),
  (r.rolcreatedb, 'may create databases', 'nocreatedb'),
  (r.rolreplication, 'may replicate the server', 'noreplication'),
  (r.rolbypassrls, 'passes row level security', 'nobypassrls')) a(is_so, fault, without)
where r.rolname = any(queue_roles()) and a.is_so
union all
select r.rolname::text, 'is a member of ' || quote_ident(g.rolname), format('revoke %I from %I', g.rolname, r.rolname)
from pg_auth_members m
join pg_roles r on r.oid = m.member
join pg_roles g on g.oid = m.roleid
where r.rolname = any(queue_roles())
order by 1, 2
