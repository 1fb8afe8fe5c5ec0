-- Campaigns with their counts, newest first. @before int (ids below it), @limit int, @name text or null (that one only). Index
-- job_counts_by_campaign.
with picked as (
  select id, name, tenant_id, created_at
  from campaigns
  where id < @before and (@name::text is null or name = @name)
  order by id desc
  limit @limit)
select p.id, p.name, t.name as tenant, p.created_at,
  coalesce(sum(c.count) filter (where c.state = 'queued'), 0)::bigint as queued,
  coalesce(sum(c.count) filter (where c.state = 'running'), 0)::bigint as running,
  coalesce(sum(c.count) filter (where c.state = 'succeeded'), 0)::bigint as succeeded,
  coalesce(sum(c.count) filter (where c.state = 'failed'), 0)::bigint as failed,
  coalesce(sum(c.count) filter (where c.state = 'cancelled'), 0)::bigint as cancelled,
  coalesce(sum(c.count) filter (where c.state = 'verified'), 0)::bigint as verified
from picked p
join tenants t on t.id = p.tenant_id
left join (
  select campaign_id, state, count from job_counts where campaign_id <> 0
  union all
  select campaign_id, state, change from job_count_changes where campaign_id <> 0) c on c.campaign_id = p.id
group by p.id, p.name, t.name, p.created_at
order by p.id desc
