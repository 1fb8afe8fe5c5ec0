create or replace function ended_without_image(since timestamptz)
returns table (job_id bigint, campaign_id int, state text, code text)
language sql stable security definer as $$
-- Without a value the planner takes a third of all attempts for new, and would read attempts and jobs whole.
  select j.id, j.campaign_id, j.state, a.code
  from job_attempts a
  cross join lateral (
    select j.id, j.campaign_id, j.state
    from jobs j
    where j.id = a.job_id and j.state in ('failed', 'cancelled') and j.finished_at >= since
    limit 1) j
  where a.ended_at >= since
    -- The attempt that ended the job, not those it was retried after.
    and not exists (select from job_attempts later where later.job_id = a.job_id and later.id > a.id)
$$;
comment on function ended_without_image is
  'Jobs that failed or were cancelled since an instant and were not requeued; costs what failed since then, through index '
  'job_attempts_by_end.';
