create or replace view saved_images as
select i.job_id, i.batch_id, i.created_at, i.path, i.size_bytes, i.sha256, i.width, i.height, i.seed, i.recipe, b.claimed_at, b.worker_id,
  case when i.completion <= b.checked_completions then b.verified_at end as verified_at,
  case when i.completion <= b.checked_completions then b.checkpoint_id end as checkpoint_id,
  i.completion > b.checked_completions as is_unchecked
from images i
left join batches b on b.id = i.batch_id;
comment on view saved_images is
  'Images with the verdict on them: an image is verified when a passed checkpoint has checked the completion of its batch that recorded '
  'it.';
