create or replace function waiting_signatures(from_priority int, after_signature text, after_group int, at_most int)
returns table (
  priority smallint, signature text, group_id int, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint,
  oldest_at timestamptz)
language sql stable security definer as $$
-- Right after a bulk submit the planner's numbers are old, and it would read the whole table once per signature.
  with recursive walk as (
    select g.id as group_id, g.priority, f.signature, 1 as n
    from dispatch_groups g
    cross join lateral (
      select j.signature from jobs j
      -- Rows of one signature stand in the order of their dispatch groups: a dispatch group that comes after the last one shown still has
      -- that signature to show. Others go on with the text that follows it.
      where j.indexed_state = 'ready' and j.group_id = g.id
        and j.signature >= case
          when g.priority < from_priority then ''
          when g.id > after_group then after_signature
          else after_signature || chr(1) end collate "C"
      order by j.signature, j.id limit 1) f
    where g.priority <= from_priority
    union all
    select w.group_id, w.priority, f.signature, w.n + 1
    from walk w
    cross join lateral (
      select j.signature from jobs j
      where j.indexed_state = 'ready' and j.group_id = w.group_id and j.signature > w.signature
      order by j.signature, j.id limit 1) f
    where w.n < at_most),
  picked as (
    select group_id, priority, signature from walk order by priority desc, signature, group_id limit at_most)
  select p.priority, p.signature, p.group_id, m.name as model, m.paused as model_paused, t.name as tenant, t.paused as tenant_paused,
    c.waiting, f.oldest_at
  from picked p
  join dispatch_groups g on g.id = p.group_id
  join models m on m.id = g.model_id
  join tenants t on t.id = g.tenant_id
  cross join lateral (
    select count(*) as waiting
    from (
      select 1 from jobs j where j.indexed_state = 'ready' and j.group_id = p.group_id and j.signature = p.signature
      limit 5000) capped) c
  cross join lateral (
    select j.run_at as oldest_at from jobs j where j.indexed_state = 'ready' and j.group_id = p.group_id and j.signature = p.signature
    order by j.id limit 1) f
  order by p.priority desc, p.signature, p.group_id
$$;
comment on function waiting_signatures is
  'Waiting jobs by signature in the order of dispatch, from a place on; hops through index jobs_by_signature, and counts to 5,000 at most.';
