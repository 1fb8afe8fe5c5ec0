-- Waiting jobs by signature in the order of dispatch. @priority int and @after text (where the page before ended; 100 and '' at first), @limit int.
-- Walks from signature to signature in index jobs_by_signature, never over jobs; counts stop at 5,000.
with recursive walk as (
  select l.id as lane_id, l.priority, f.signature, 1 as n
  from lanes l
  cross join lateral (
    select j.signature from jobs j
    where j.shelf = 'ready' and j.lane_id = l.id and j.signature > case when l.priority < @priority then '' else @after end collate "C"
    order by j.signature, j.id limit 1) f
  where l.priority <= @priority
  union all
  select w.lane_id, w.priority, f.signature, w.n + 1
  from walk w
  cross join lateral (
    select j.signature from jobs j
    where j.shelf = 'ready' and j.lane_id = w.lane_id and j.signature > w.signature
    order by j.signature, j.id limit 1) f
  where w.n < @limit),
picked as (
  select lane_id, priority, signature from walk order by priority desc, signature, lane_id limit @limit)
select p.priority, p.signature, m.name as model, m.paused as model_paused, t.name as tenant, t.paused as tenant_paused, c.waiting, f.oldest_at
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
