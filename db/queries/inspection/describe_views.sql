-- What the views of the first schema of the search path are, to be compared with another schema's. No parameters. Returns name, routine
-- (the same), attribute, value.
select c.relname::text as name, c.relname::text as routine, a.attribute, coalesce(a.value, '') as value
from pg_class c
cross join lateral (values
  ('options', array_to_string(c.reloptions, ', ')),
  ('body', pg_get_viewdef(c.oid))) a(attribute, value)
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
