create or replace function behind_barrier(value anyelement) returns anyelement
-- Volatile for the planner's sake alone: it looks at no condition on such a column before the rows of a view with a security barrier are
-- complete, where it takes leakproof operators to tables before it. Inlined, it costs nothing.
language sql volatile as $$
  select value
$$;
comment on function behind_barrier is
  'The value itself, as a column of a view of which no plan (explain analyze) counts rows of other tenants that meet a condition.';
