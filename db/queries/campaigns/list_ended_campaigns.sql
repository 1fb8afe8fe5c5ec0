-- Campaigns that ended and were not reported yet: no open job, no image that waits for its checkpoint. @limit int. Returns ids, oldest
-- first. Indexes campaigns_unreported, job_counts_by_campaign.
with unreported as (
  select id from campaigns where reported_at is null),
counts as (
  select c.campaign_id, c.state, sum(c.count) as count
  from (
    select campaign_id, state, count from job_counts where campaign_id <> 0 and campaign_id in (select id from unreported)
    union all
    select campaign_id, state, change from job_count_changes where campaign_id in (select id from unreported)) c
  group by c.campaign_id, c.state)
select c.campaign_id as id
from counts c
group by c.campaign_id
having coalesce(sum(c.count) filter (where c.state in ('queued', 'running')), 0) = 0
  and coalesce(sum(c.count) filter (where c.state in ('succeeded', 'failed', 'cancelled')), 0) > 0
  and coalesce(sum(c.count) filter (where c.state = 'succeeded'), 0) = coalesce(sum(c.count) filter (where c.state = 'verified'), 0)
order by c.campaign_id
limit @limit
