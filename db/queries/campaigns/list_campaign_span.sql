-- When and how a campaign's images were drawn. @campaign_id int, @look int (at so many of its newest batches, and of their images). Returns
-- first_at and last_at of all; checked_at, null while a batch is open or waits for its checkpoint; batches of all; images, signatures,
-- size_bytes of those looked at. Primary keys of campaign_batches, batches, jobs, images.
with newest as materialized (
  select b.id, b.claimed_at, b.ended_at, b.verified_at, b.signature, b.job_ids,
    b.checked_completions = b.completions and b.state <> 'open' as checked
  from campaign_batches c
  join batches b on b.id = c.batch_id
  where c.campaign_id = @campaign_id
  order by c.batch_id desc
  limit @look),
saved as (
  select n.signature, i.size_bytes
  from newest n
  cross join lateral unnest(n.job_ids) u(id)
  cross join lateral (select from jobs j where j.id = u.id and j.campaign_id = @campaign_id limit 1) j
  cross join lateral (select i.size_bytes from images i where i.job_id = u.id and i.batch_id = n.id limit 1) i
  limit @look)
select
  (
    select b.claimed_at from campaign_batches c join batches b on b.id = c.batch_id
    where c.campaign_id = @campaign_id
    order by c.batch_id limit 1) as first_at,
  (select max(coalesce(n.ended_at, now())) from newest n) as last_at,
  (select case when bool_and(n.checked) then max(greatest(n.ended_at, n.verified_at)) end from newest n) as checked_at,
  (select count(*) from campaign_batches c where c.campaign_id = @campaign_id) as batches,
  count(*) as images, count(distinct p.signature) as signatures, sum(p.size_bytes)::bigint as size_bytes
from saved p
