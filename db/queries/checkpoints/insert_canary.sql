-- Records a canary. @worker_id uuid, @batch_id bigint or null, @model text, @model_sha256 text, @device text, @compute_type text,
-- @recipe text, @verdict text, @digest text, @psnr double precision or null, @ssim double precision or null, @elapsed_ms double precision,
-- @image bytea. Returns its id.
insert into canaries (
  worker_id, batch_id, model, model_sha256, device, compute_type, recipe, verdict, digest, psnr, ssim, elapsed_ms, image)
values (@worker_id, @batch_id, @model, @model_sha256, @device, @compute_type, @recipe, @verdict, @digest, @psnr, @ssim, @elapsed_ms, @image)
returning id
