-- Routines that share a name with one of the program and take other parameters than what was put in. @names text[]: what the program makes.
-- Returns routine (with the types of its parameters), remedy (the statement that drops it).
select p.oid::regprocedure::text as routine,
  format('drop routine %I.%I(%s)', current_schema(), p.proname, pg_get_function_identity_arguments(p.oid)) as remedy
from pg_proc p
where p.pronamespace = current_schema()::regnamespace and p.proname = any(@names)
  and p.oid::regprocedure::text <> all (select unnest(f.made) from schema_functions f)
order by 1
