create or replace function submit_job(job jsonb, tenant text default null) returns bigint
language plpgsql security definer as $$
begin
  return (select submit_jobs(jsonb_build_array(job), tenant));
end $$;
comment on function submit_job is 'Submits one job; returns its id.';
