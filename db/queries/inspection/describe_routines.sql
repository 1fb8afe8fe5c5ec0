-- What the routines of the first schema of the search path are, to be compared with another schema's. No parameters. Returns name (with its
-- arguments), routine (the name alone), attribute, value (the schema's own name left out of it).
select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name, p.proname::text as routine, a.attribute,
  coalesce(a.value, '') as value
from pg_proc p
join pg_language l on l.oid = p.prolang
cross join lateral (values
  ('rights', case when p.prosecdef then 'security definer' else 'security invoker' end),
  ('volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end),
  ('parallel', case p.proparallel when 's' then 'parallel safe' when 'r' then 'parallel restricted' else 'parallel unsafe' end),
  ('nulls', case when p.proisstrict then 'strict' else 'called on null input' end),
  ('leaks', case when p.proleakproof then 'leakproof' else 'not leakproof' end),
  ('language', l.lanname::text),
  ('result', pg_get_function_result(p.oid)),
  ('defaults', pg_get_expr(p.proargdefaults, 0)),
  ('estimates', 'cost ' || p.procost || ' rows ' || p.prorows),
  ('settings', replace(array_to_string(p.proconfig, ', '), quote_ident(current_schema()), 'the schema')),
  ('body', p.prosrc)) a(attribute, value)
where p.pronamespace = current_schema()::regnamespace and p.prokind in ('f', 'p')
