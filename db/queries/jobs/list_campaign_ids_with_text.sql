-- Ids of a campaign's jobs whose prompt holds a text. @text text (a LIKE pattern), @tag text or null, @before bigint, @campaign text,
-- @state text or null, @signature text or null, @limit int. Newest first. Looks at 20,000 jobs at most, so that its cost has a bound.
-- Function newest_of_campaign.
select r.job_id
from newest_of_campaign(@campaign, @before, 20000) with ordinality as r(job_id, prompt, tags, n)
cross join lateral (
  select from jobs j
  where j.id = r.job_id
    and (@state::text is null or j.state = @state)
    and (@signature::text is null or j.signature = @signature)
  limit 1) j
where r.prompt ilike @text and (@tag::text is null or @tag = any(r.tags))
order by r.n
limit @limit
