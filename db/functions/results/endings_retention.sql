create or replace function endings_retention() returns interval
language sql immutable parallel safe as $$
  select interval '15 minutes'
$$;
comment on function endings_retention is 'How long job_endings names a job that ended.';
