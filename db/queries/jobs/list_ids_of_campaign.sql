-- Ids of jobs of a campaign. @before bigint (ids below it), @limit int, @campaign text, @state text or null, @signature text or null.
-- Newest first. With a state or signature it looks at 5,000 jobs at most, and stops when the page is full. Function newest_of_campaign;
-- with ordinality, so that its order is known.
select r.job_id as id
from newest_of_campaign(
  @campaign, @before, case when @state::text is null and @signature::text is null then @limit else 5000 end)
  with ordinality as r(job_id, prompt, tags, n)
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
order by r.n
limit @limit
