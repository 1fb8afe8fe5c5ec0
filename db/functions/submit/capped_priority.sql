create or replace function capped_priority(priority int, max_priority smallint) returns int
language sql immutable parallel safe as $$
  select least(coalesce(priority, default_priority()), max_priority)
$$;
comment on function capped_priority is 'The priority a job gets: the one asked for, at most the highest of its tenant.';
