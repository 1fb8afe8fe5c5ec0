-- What a person does in the morning who has looked: workers that paused themselves or set themselves aside work again. Returns name,
-- reason, and whether a bit of their memory had been flipped.
with found as (
  select w.id, w.name, coalesce(w.set_aside_reason, 'it is paused') as reason,
    w.set_aside_at is null and exists (select from public.flipped_bits f where f.worker_name = w.name) as is_explained
  from workers w
  where w.stopped_at is null and (w.paused or w.set_aside_at is not null)),
resumed as (
  update workers w set paused = false, set_aside_at = null, set_aside_reason = null from found f where w.id = f.id)
select f.name, f.reason, f.is_explained from found f
