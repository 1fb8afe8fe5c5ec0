create or replace function staged_job_json(staged staged_jobs) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(to_jsonb(staged) - array['job_id', 'staged_by', 'staged_at', 'load', 'negative_prompt'])
    || case when staged.negative_prompt is null then '{}' else jsonb_build_object('negative_prompt', staged.negative_prompt) end
$$;
