create or replace function set_priority(job_ids bigint[], new_priority int) returns int
language plpgsql security definer set search_path from current as $$
declare
  owner constant int := caller_tenant(null);
  changed int;
begin
  if new_priority is null or new_priority not between -100 and 100 then
    perform refuse('set_priority', 'new_priority', format('expected a whole number from -100 to 100, got %s.', new_priority));
  end if;
  insert into lanes (model_id, priority, tenant_id)
  select distinct l.model_id, least(new_priority, t.max_priority), l.tenant_id
  from unnest(job_ids) u(id) join jobs j on j.id = u.id join lanes l on l.id = j.lane_id join tenants t on t.id = l.tenant_id
  where j.shelf in ('ready', 'scheduled') and (owner is null or l.tenant_id = owner)
  on conflict do nothing;
  with wanted as (
    select j.id, j.lane_id as old_lane, n.id as new_lane, j.campaign_id
    from unnest(job_ids) u(id)
    join jobs j on j.id = u.id
    join lanes l on l.id = j.lane_id
    join tenants t on t.id = l.tenant_id
    join lanes n on n.model_id = l.model_id and n.tenant_id = l.tenant_id and n.priority = least(new_priority, t.max_priority)
    where j.shelf in ('ready', 'scheduled') and n.id <> l.id and (owner is null or l.tenant_id = owner)
    order by j.id
    for update of j),
  moved as (
    update jobs j set lane_id = w.new_lane from wanted w where j.id = w.id returning w.old_lane, w.new_lane, w.campaign_id),
  counted as (
    insert into job_count_changes (lane_id, campaign_id, state, change)
    select s.lane, m.campaign_id, 'queued', s.sign * count(*)
    from moved m cross join lateral (values (m.old_lane, -1), (m.new_lane, 1)) s(lane, sign)
    group by s.lane, m.campaign_id, s.sign)
  select count(*) into changed from moved;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
comment on function set_priority is 'Moves waiting jobs to another priority; returns how many moved.';
