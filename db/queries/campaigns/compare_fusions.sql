-- Fusions done in the newest batches, and what the same jobs would have cost in order of submission. @batches int. Returns done,
-- in_arrival_order, jobs. Primary key of batches; the jobs' signatures are their batch's, so no job is read.
with recent as materialized (
  select id, signature, job_ids, fused from batches where finished > 0 order by id desc limit @batches),
arrived as (
  select u.id, r.signature from recent r cross join lateral unnest(r.job_ids) as u(id))
select
  (select count(*) from recent where fused) as done,
  (select count(*) from (
    select signature is distinct from lag(signature) over (order by id) as changed from arrived) c
  where c.changed) as in_arrival_order,
  (select count(*) from arrived) as jobs
