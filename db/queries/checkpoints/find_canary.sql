-- The first canary of a model on a kind of device. @model_sha256 text, @device text, @compute_type text, @recipe text. Returns worker_id,
-- image, digest; none when there is none yet. Index canaries_first.
select worker_id, digest, image
from canaries
where verdict = 'first' and model_sha256 = @model_sha256 and device = @device and compute_type = @compute_type and recipe = @recipe
order by id
limit 1
