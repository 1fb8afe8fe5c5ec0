-- Records a canary. Parameters: worker_id uuid, batch_id bigint or null, model, model_sha256, device, compute_type, recipe, verdict, digest
-- text, psnr, ssim double precision or null, elapsed_ms double precision, image bytea. Returns its id.
insert into canaries (
  worker_id, batch_id, model, model_sha256, device, compute_type, recipe, verdict, digest, psnr, ssim, elapsed_ms, image)
values (@worker_id, @batch_id, @model, @model_sha256, @device, @compute_type, @recipe, @verdict, @digest, @psnr, @ssim, @elapsed_ms, @image)
returning id
