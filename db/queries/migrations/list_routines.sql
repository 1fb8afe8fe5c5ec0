-- Routines of the schema by name. @names text[]. Returns name, identity (with argument types, as drop routine takes it), version (another
-- one once a routine was put in anew).
select p.proname::text as name, p.oid::regprocedure::text as identity, p.xmin::text || p.ctid::text as version
from pg_proc p
where p.pronamespace = current_schema()::regnamespace and p.proname = any(@names)
