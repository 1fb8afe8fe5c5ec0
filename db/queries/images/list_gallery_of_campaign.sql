-- Images of a campaign, newest job first. @campaign text, @signature text or null, @from timestamptz or null, @to timestamptz or null,
-- @before_job bigint, @limit int. Looks 2,000 times at most, and stops when the page is full. When it was not filled and there may be more,
-- the last row is no image (is_place): from there the next page goes on. Function images_of_campaign; primary keys, by the limit of one:
-- the planner knows not how few rows the function gives.
select p.batch_id is null as is_place, p.batch_id, p.job_id, i.signature, i.prompt, i.width, i.height, i.created_at, i.verified
from images_of_campaign(@campaign, @signature, @from, @to, @before_job, @limit, 2000) with ordinality as p(job_id, batch_id, n)
left join lateral (
  select b.signature, r.recipe ->> 'prompt' as prompt, i.width, i.height, i.created_at,
    i.completion <= b.checked_completions and b.verified_at is not null as verified
  from images i
  join job_recipes r on r.job_id = i.job_id
  join batches b on b.id = i.batch_id
  where i.job_id = p.job_id and i.batch_id = p.batch_id
  limit 1) i on true
order by p.n
