create or replace function submit_jobs(jobs jsonb, tenant text default null) returns setof bigint
language plpgsql security definer as $$
declare
  owner tenants;
  checked checked_job[];
begin
  if jobs is null or jsonb_typeof(jobs) <> 'array' then
    perform refuse('jobs', null, format('expected a JSON array of job objects, got %s; put [ ] around a single job, or call submit_job.',
      coalesce(shown(jobs), 'null')));
  end if;
  owner := owner_of_submit(tenant);
  select array_agg(c order by n) into checked
  from jsonb_array_elements(jobs) with ordinality e(element, n)
  cross join lateral check_job(e.element, 'jobs[' || n - 1 || ']') c;
  if checked is null then return; end if;
  return query select enqueue_jobs(checked, owner);
end $$;
comment on function submit_jobs is 'Submits all jobs or none; one id per element, in order. Fields: docs/sql-api.md.';
