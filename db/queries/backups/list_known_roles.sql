-- Those of some roles that the server knows. @names text[]. Returns name.
select r.rolname::text as name from pg_roles r where r.rolname = any(@names)
