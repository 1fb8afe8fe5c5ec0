create or replace function job_status(job_ids bigint[])
returns table (job_id bigint, state text, attempts smallint, max_attempts smallint, run_at timestamptz, finished_at timestamptz, path text,
  verified_at timestamptz, failure_code text, failure_message text)
language sql stable security definer as $$
  -- Jobs of other tenants are left out like unknown ones.
  select j.id, j.state, j.attempts, j.max_attempts, j.run_at, j.finished_at, i.path, i.verified_at, a.code, a.message
  from unnest(job_ids) with ordinality u(id, n)
  join jobs j on j.id = u.id
  join dispatch_groups g on g.id = j.group_id
    and ((select caller_tenant(null)) is null or g.tenant_id = (select caller_tenant(null)))
  left join saved_images i on i.job_id = j.id
  left join lateral (select code, message from job_attempts where job_id = j.id order by id desc limit 1) a on true
  order by u.n
$$;
comment on function job_status is 'Where jobs stand; unknown ids are left out.';
