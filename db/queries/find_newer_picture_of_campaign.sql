-- The picture before one in list_gallery_of_campaign. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or null, @job_id bigint.
-- Returns job_id, or no row at the newest. Index job_recipes_by_campaign. Looks at 20,000 jobs at most.
select f.job_id
from campaigns c
cross join lateral (
  select r.job_id
  from (
    select job_id
    from job_recipes
    where campaign_id = c.id and campaign_id <> 0 and job_id > @job_id
    order by job_id
    limit 20000) r
  cross join lateral (
    select
    from images i
    join batches b on b.id = i.batch_id
    where i.job_id = r.job_id
      and (@signature::text is null or b.signature = @signature)
      and (@from::timestamptz is null or b.claimed_at >= @from)
      and (@to::timestamptz is null or b.claimed_at < @to)
    limit 1) i
  order by r.job_id
  limit 1) f
where c.name = @campaign
order by f.job_id
limit 1
