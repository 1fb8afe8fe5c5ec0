create or replace function queue_roles() returns name[]
language sql immutable parallel safe as $$
  select array['batchgen_submitter', 'batchgen_worker', 'batchgen_reader']::name[]
$$;
comment on function queue_roles is 'The roles that logins of people and programs are given.';
