-- When a campaign's pictures were drawn. @campaign text. Index job_recipes_by_campaign. Looks at the newest 20,000 jobs.
select count(*) as images, min(i.created_at) as first_at, max(i.created_at) as last_at, count(distinct i.batch_id) as batches,
  count(distinct i.signature) as signatures, sum(i.size_bytes)::bigint as size_bytes
from campaigns c
cross join lateral (
  select job_id
  from job_recipes
  where campaign_id = c.id and campaign_id <> 0
  order by job_id desc
  limit 20000) r
cross join lateral (
  select i.created_at, i.batch_id, i.size_bytes, b.signature
  from images i
  join batches b on b.id = i.batch_id
  where i.job_id = r.job_id
  limit 1) i
where c.name = @campaign
