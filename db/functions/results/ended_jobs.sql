create or replace function ended_jobs(after text default null, at_most int default 5000)
returns table (marker text, is_complete boolean, job_id bigint, state text, tenant text, campaign text)
language plpgsql stable security definer as $$
-- A marker is when it was given out, and the snapshot of that moment: what the snapshot does not see has committed since, however long its
-- transaction was open. Rows of transactions to come are those of a restored copy.
#variable_conflict use_column
declare
  owner constant int := caller_tenant(null);
  now_seen constant pg_snapshot := pg_current_snapshot();
  last_seen pg_snapshot;
  since timestamptz;
begin
  if at_most < 0 then
    perform refuse('ended_jobs', 'at_most', format('expected a number of jobs from 0 on, got %s.', at_most));
  end if;
  marker := extract(epoch from clock_timestamp())::bigint || '/' || now_seen;
  is_complete := true;
  if after is not null then
    begin
      since := to_timestamp(split_part(after, '/', 1)::bigint);
      last_seen := split_part(after, '/', 2)::pg_snapshot;
    exception when data_exception then
      perform refuse('ended_jobs', 'after', format('expected a marker that ended_jobs returned, got %s.', shown(to_jsonb(after))));
    end;
    is_complete := since > clock_timestamp() - endings_retention();
    for job_id, state, tenant, campaign in
      select j.id, j.state, t.name, c.name
      from (
        select u.id, max(e.ended_at) as ended_at
        from job_endings e
        cross join unnest(e.job_ids) u(id)
        where e.xact >= pg_snapshot_xmin(last_seen) and not pg_visible_in_snapshot(e.xact, last_seen)
          and pg_visible_in_snapshot(e.xact, now_seen)
        group by u.id) ended
      join jobs j on j.id = ended.id
      join dispatch_groups g on g.id = j.group_id and (owner is null or g.tenant_id = owner)
      join tenants t on t.id = g.tenant_id
      left join campaigns c on c.id = j.campaign_id
      where j.state in ('succeeded', 'failed', 'cancelled')
      order by ended.ended_at, j.id
      limit at_most::bigint + 1
    loop
      at_most := at_most - 1;
      if at_most < 0 then
        job_id := null;
        is_complete := false;
        exit;
      end if;
      return next;
    end loop;
  end if;
  -- The last row, without a job, says whether that were all.
  job_id := null;
  state := null;
  tenant := null;
  campaign := null;
  return next;
end $$;
comment on function ended_jobs is
  'Jobs of the tenants this session may see that ended since a marker, with their present state, and last a row without a job: its marker '
  'is for the next call, and is_complete is false when some could not be named (more than at_most, or the marker is older than '
  'endings_retention). Without a marker that row alone.';
