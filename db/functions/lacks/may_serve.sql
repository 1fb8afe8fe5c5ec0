create or replace function may_serve(worker workers, model text) returns boolean
language sql immutable as $$
  select worker.models is null or lower(model) = any(worker.models)
$$;
comment on function may_serve is 'Whether a worker is not restricted to other models than this one.';
