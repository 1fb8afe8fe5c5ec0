create or replace function set_priority(job_ids bigint[], new_priority int) returns int
language plpgsql security definer as $$
declare
  these constant bigint[] := jobs_of(job_ids, caller_tenant(null));
  old_groups int[];
  new_groups int[];
  changed int;
  arrived int;
begin
  if new_priority is null or new_priority not between -100 and 100 then
    perform refuse('set_priority', 'new_priority', format('expected a whole number from -100 to 100, got %s.', new_priority));
  end if;
  select array_agg(g.id), array_agg(group_at_priority(g, new_priority)) into old_groups, new_groups
  from (
    select * from dispatch_groups g
    where g.id in (select j.group_id from jobs j where j.id = any(these) and j.indexed_state in ('ready', 'scheduled'))
    -- In this order, so that two calls that make the same groups cannot wait for each other.
    order by g.model_id, g.tenant_id) g;
  with wanted as (
    select j.id, u.old_group, u.new_group
    from jobs j
    join unnest(old_groups, new_groups) u(old_group, new_group) on u.old_group = j.group_id and u.new_group <> u.old_group
    where j.id = any(these) and j.indexed_state in ('ready', 'scheduled')
    order by j.id
    for update of j),
  moved as (
    update jobs j set group_id = w.new_group from wanted w where j.id = w.id returning w.old_group, w.new_group, j.campaign_id)
  select count_moves(array_agg(m.old_group), array_agg(m.campaign_id), 'queued', null),
    count_moves(array_agg(m.new_group), array_agg(m.campaign_id), null, 'queued')
  into changed, arrived
  from moved m;
  if changed > 0 then
    perform nextval('requeues');
    perform pg_notify(current_schema() || '_jobs', '');
  end if;
  return changed;
end $$;
comment on function set_priority is 'Moves waiting jobs to another priority; returns how many moved.';
