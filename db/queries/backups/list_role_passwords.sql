-- Digests of the passwords of roles, which only a superuser may read. @names text[]. Returns name, password.
select a.rolname::text as name, a.rolpassword as password
from pg_authid a
where a.rolname = any(@names) and a.rolpassword is not null
