-- What a person does in the morning who has looked: workers that paused themselves or set themselves aside work again.
update workers set paused = false, set_aside_at = null, set_aside_reason = null
where stopped_at is null and (paused or set_aside_at is not null)
