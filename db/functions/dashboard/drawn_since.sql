create or replace function drawn_since(since timestamptz)
returns table (images bigint, verified bigint, first_at timestamptz, last_at timestamptz, batches bigint, signatures bigint)
language sql stable security definer as $$
-- The planner takes all batches of the day before for under way, and would compile for longer than the rest takes.
  -- Batches count their own images; only of those that were under way at that instant each image is looked at. A batch lasts minutes: a day
  -- before the instant finds them all.
  with drawn as (
    select b.signature, b.claimed_at, b.ended_at, b.images, b.verified
    from batches b
    where b.claimed_at >= since and b.images > 0
    union all
    select b.signature, since, b.ended_at, p.images, p.verified
    from batches b
    cross join lateral (
      select count(*) as images, count(*) filter (where i.completion <= b.checked_completions) as verified
      from unnest(b.job_ids) u(id)
      join images i on i.job_id = u.id and i.batch_id = b.id and i.created_at >= since) p
    where b.claimed_at >= since - interval '1 day' and b.claimed_at < since
      and (b.ended_at is null or b.ended_at >= since) and p.images > 0),
  by_signature as (
    select sum(images) as images, sum(verified) as verified, min(claimed_at) as first_at,
      max(coalesce(ended_at, now())) as last_at, count(*) as batches
    from drawn
    group by signature)
  select coalesce(sum(images), 0)::bigint as images, coalesce(sum(verified), 0)::bigint as verified,
    min(first_at) as first_at, max(last_at) as last_at, coalesce(sum(batches), 0)::bigint as batches, count(*) as signatures
  from by_signature
$$;
comment on function drawn_since is
  'What was drawn since an instant, whatever its campaign; reads the batches since then through index batches_by_time, not their images.';
