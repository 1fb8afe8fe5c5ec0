create or replace function waiting_signatures(from_priority int, after_signature text, after_lane int, at_most int)
returns table (priority smallint, signature text, lane_id int, model text, model_paused boolean, tenant text, tenant_paused boolean, waiting bigint, oldest_at timestamptz)
language sql stable security definer
set search_path from current
-- Right after a bulk submit the planner's numbers are old, and it would read the whole table once per signature.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
  with recursive walk as (
    select l.id as lane_id, l.priority, f.signature, 1 as n
    from lanes l
    cross join lateral (
      select j.signature from jobs j
      -- Rows of one signature stand in the order of their lanes: a lane that comes after the last one shown still has that signature to show. Others go on with the text that follows it.
      where j.shelf = 'ready' and j.lane_id = l.id
        and j.signature >= case when l.priority < from_priority then '' when l.id > after_lane then after_signature else after_signature || chr(1) end collate "C"
      order by j.signature, j.id limit 1) f
    where l.priority <= from_priority
    union all
    select w.lane_id, w.priority, f.signature, w.n + 1
    from walk w
    cross join lateral (
      select j.signature from jobs j
      where j.shelf = 'ready' and j.lane_id = w.lane_id and j.signature > w.signature
      order by j.signature, j.id limit 1) f
    where w.n < at_most),
  picked as (
    select lane_id, priority, signature from walk order by priority desc, signature, lane_id limit at_most)
  select p.priority, p.signature, p.lane_id, m.name as model, m.paused as model_paused, t.name as tenant, t.paused as tenant_paused, c.waiting, f.oldest_at
  from picked p
  join lanes l on l.id = p.lane_id
  join models m on m.id = l.model_id
  join tenants t on t.id = l.tenant_id
  cross join lateral (
    select count(*) as waiting
    from (select 1 from jobs j where j.shelf = 'ready' and j.lane_id = p.lane_id and j.signature = p.signature limit 5000) capped) c
  cross join lateral (
    select j.run_at as oldest_at from jobs j where j.shelf = 'ready' and j.lane_id = p.lane_id and j.signature = p.signature order by j.id limit 1) f
  order by p.priority desc, p.signature, p.lane_id
$$;
comment on function waiting_signatures is 'Waiting jobs by signature in the order of dispatch, from a place on; hops through index jobs_by_signature, and counts to 5,000 at most.';
