create or replace function staged_job_json(staged staged_jobs) returns jsonb
language sql stable as $$
  select staged.recipe || jsonb_strip_nulls(to_jsonb(staged) - array['job_id', 'staged_by', 'staged_at', 'load', 'recipe'])
$$;
comment on function staged_job_json is 'A staged row as the job object that submit_jobs takes.';
