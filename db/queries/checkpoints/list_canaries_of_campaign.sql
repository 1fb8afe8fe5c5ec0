-- Canaries of the models of a campaign, from the last one before an instant to another, newest first. @campaign_id int, @since timestamptz,
-- @until timestamptz or null, @limit int. Columns of list_canaries. Indexes canaries_by_time, canaries_first, job_counts_by_campaign.
with used as (
  select distinct m.name
  from (
    select group_id from job_counts where campaign_id = @campaign_id and campaign_id <> 0
    union all
    select group_id from job_count_changes where campaign_id = @campaign_id) c
  join dispatch_groups g on g.id = c.group_id
  join models m on m.id = g.model_id),
before as (
  select max(newest.created_at) as at
  from used u
  cross join lateral (
    select c.created_at from canaries c where c.model = u.name and c.created_at < @since
    order by c.created_at desc, c.id desc limit 1) newest)
select c.id as canary_id, c.worker_id, c.batch_id, c.model, c.device, c.compute_type, c.verdict, c.digest, c.psnr, c.ssim, c.elapsed_ms,
  c.created_at, f.id as first_id
from canaries c
left join lateral (
  select f.id from canaries f
  where f.verdict = 'first' and f.model_sha256 = c.model_sha256 and f.device = c.device and f.compute_type = c.compute_type
    and f.recipe = c.recipe
  order by f.id limit 1) f on true
where c.created_at >= coalesce((select at from before), @since) and c.created_at <= coalesce(@until::timestamptz, 'infinity')
  and c.model in (select name from used)
order by c.created_at desc, c.id desc
limit @limit
