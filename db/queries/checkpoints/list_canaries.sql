-- The newest canaries. @since timestamptz or null, @limit int. Returns one row each, without images; first_id is the one it is
-- compared with. Indexes canaries_by_time, canaries_first.
select c.id as canary_id, c.worker_id, c.batch_id, c.model, c.device, c.compute_type, c.verdict, c.digest, c.psnr, c.ssim, c.elapsed_ms,
  c.created_at, f.id as first_id
from canaries c
left join lateral (
  select f.id from canaries f
  where f.verdict = 'first' and f.model_sha256 = c.model_sha256 and f.device = c.device and f.compute_type = c.compute_type
    and f.recipe = c.recipe
  order by f.id limit 1) f on true
where c.created_at >= coalesce(@since::timestamptz, '-infinity')
order by c.created_at desc, c.id desc
limit @limit
