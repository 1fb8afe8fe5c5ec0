create or replace function set_priority(job_ids bigint[], new_priority int) returns int
language plpgsql security definer set search_path from current as $$
declare
  owner constant int := caller_tenant(null);
  changed int;
begin
  if new_priority is null or new_priority not between -100 and 100 then
    perform refuse('set_priority', 'new_priority', format('expected a whole number from -100 to 100, got %s.', new_priority));
  end if;
  insert into dispatch_groups (model_id, priority, tenant_id)
  select distinct g.model_id, least(new_priority, t.max_priority), g.tenant_id
  from unnest(job_ids) u(id) join jobs j on j.id = u.id join dispatch_groups g on g.id = j.group_id join tenants t on t.id = g.tenant_id
  where j.indexed_state in ('ready', 'scheduled') and (owner is null or g.tenant_id = owner)
  on conflict do nothing;
  with wanted as (
    select j.id, j.group_id as old_group, n.id as new_group, j.campaign_id
    from unnest(job_ids) u(id)
    join jobs j on j.id = u.id
    join dispatch_groups g on g.id = j.group_id
    join tenants t on t.id = g.tenant_id
    join dispatch_groups n on n.model_id = g.model_id and n.tenant_id = g.tenant_id and n.priority = least(new_priority, t.max_priority)
    where j.indexed_state in ('ready', 'scheduled') and n.id <> g.id and (owner is null or g.tenant_id = owner)
    order by j.id
    for update of j),
  moved as (
    update jobs j set group_id = w.new_group from wanted w where j.id = w.id returning w.old_group, w.new_group, w.campaign_id),
  counted as (
    insert into job_count_changes (group_id, campaign_id, state, change)
    select s.group_id, m.campaign_id, 'queued', s.sign * count(*)
    from moved m cross join lateral (values (m.old_group, -1), (m.new_group, 1)) s(group_id, sign)
    group by s.group_id, m.campaign_id, s.sign)
  select count(*) into changed from moved;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
comment on function set_priority is 'Moves waiting jobs to another priority; returns how many moved.';
