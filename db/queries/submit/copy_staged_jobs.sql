-- Bulk input of rows for submit_staged, in COPY's binary form. The columns that a JobRequest fills.
copy staged_jobs (load, prompt, negative_prompt, model, adapters, width, height, steps, sampler, guidance_scale, guidance_rescale, start_image, strength,
  seed, format, clip_skip, priority, run_at, deadline, campaign, max_attempts, tags, idempotency_key)
from stdin (format binary)
