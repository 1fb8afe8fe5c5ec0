-- When a campaign's pictures were drawn, from its first and last ones by job id. @campaign text. Index job_recipes_by_campaign. Looks at 20,000 jobs at most.
with recent as materialized (
  select f.*
  from campaigns c
  cross join lateral (
    select r.job_id
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0
    order by r.job_id desc
    limit 20000) f
  where c.name = @campaign)
select count(*) as images, min(i.created_at) as first_at, max(i.created_at) as last_at, count(distinct i.batch_id) as batches,
  count(distinct b.signature) as signatures, sum(i.size_bytes)::bigint as size_bytes
from recent r
join images i on i.job_id = r.job_id
join batches b on b.id = i.batch_id
