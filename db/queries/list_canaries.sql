-- The newest canaries. Parameters: limit int. Returns one row each, without pictures. Primary key, from its end.
select id as canary_id, worker_id, batch_id, model, device, compute_type, verdict, digest, psnr, ssim, elapsed_ms, created_at
from canaries
order by id desc
limit @limit
