create or replace function jobs_of(job_ids bigint[], owner int) returns bigint[]
language sql stable as $$
  -- Asked for before the jobs are locked: joined to the lock, a job that another session moves to another dispatch group at this moment
  -- would be passed over.
  select case when owner is null then job_ids
    else array(select j.id from jobs j join dispatch_groups g on g.id = j.group_id where j.id = any(job_ids) and g.tenant_id = owner) end
$$;
comment on function jobs_of is 'Those of the jobs that belong to a tenant; all for null.';
