-- Fusions done, and what the same finished jobs would have cost in order of submission. @campaign text or null. Returns done,
-- in_arrival_order.
with finished as (
  select j.id, j.signature, i.batch_id
  from images i
  join jobs j on j.id = i.job_id
  where @campaign::text is null or j.campaign_id = any(array(select k.id from campaigns k where k.name = @campaign)))
select
  (select count(*) from batches b where b.fused and (@campaign::text is null or b.id in (select batch_id from finished))) as done,
  (select count(*) from (
    select signature is distinct from lag(signature) over (order by id) as changed from finished) c
  where c.changed) as in_arrival_order
