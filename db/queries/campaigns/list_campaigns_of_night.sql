-- Campaigns that have open jobs, or of which a job ended since an instant, newest first. @since timestamptz, @limit int. Columns of
-- list_campaigns. Of each campaign the newest batch by the primary key of campaign_batches; function ended_without_image.
with counts as (
  select campaign_id, state, sum(count) as count
  from (
    select campaign_id, state, count from job_counts where campaign_id <> 0
    union all
    select campaign_id, state, change from job_count_changes where campaign_id <> 0) c
  group by campaign_id, state),
touched as (
  select c.id
  from campaigns c
  cross join lateral (
    select b.ended_at from campaign_batches l join batches b on b.id = l.batch_id
    where l.campaign_id = c.id
    order by l.batch_id desc limit 1) newest
  where newest.ended_at is null or newest.ended_at >= @since
  union
  select e.campaign_id from ended_without_image(@since) e
  union
  select c.campaign_id from counts c where c.state in ('queued', 'running') and c.count > 0)
select p.id, p.name, t.name as tenant, p.created_at,
  coalesce(sum(c.count) filter (where c.state = 'queued'), 0)::bigint as queued,
  coalesce(sum(c.count) filter (where c.state = 'running'), 0)::bigint as running,
  coalesce(sum(c.count) filter (where c.state = 'succeeded'), 0)::bigint as succeeded,
  coalesce(sum(c.count) filter (where c.state = 'failed'), 0)::bigint as failed,
  coalesce(sum(c.count) filter (where c.state = 'cancelled'), 0)::bigint as cancelled,
  coalesce(sum(c.count) filter (where c.state = 'verified'), 0)::bigint as verified
from touched u
join campaigns p on p.id = u.id
join tenants t on t.id = p.tenant_id
left join counts c on c.campaign_id = p.id
group by p.id, p.name, t.name, p.created_at
order by p.id desc
limit @limit
