create or replace function allowed_batch_size(job_ids bigint[], batch_limits smallint[], max_pixels bigint) returns int
language plpgsql as $$
-- How many of the jobs, in this order, may form one batch (rule 8). The batch ends before the job that would bring more pixels than asked
-- for, and before a job that allows fewer jobs than the batch would then have: one whose worker stopped answering is claimed in smaller
-- batches.
declare
  size int := cardinality(job_ids);
begin
  if max_pixels is not null and size > 1 then
    select coalesce(min(sized.n) - 1, size) into size
    from (
      select u.n, sum((r.recipe -> 'width')::bigint * (r.recipe -> 'height')::bigint) over (order by u.n) as area
      from unnest(job_ids) with ordinality u(id, n)
      join job_recipes r on r.job_id = u.id) sized
    where sized.area > max_pixels and sized.n > 1;
  end if;
  if size > any(batch_limits) then
    select coalesce(min(smallest.n) - 1, size) into size
    from (
      select u.n, min(u.batch_limit) over (order by u.n) as allowed from unnest(batch_limits) with ordinality u(batch_limit, n)) smallest
    where smallest.n > smallest.allowed and smallest.n <= size;
  end if;
  return size;
end $$;
comment on function allowed_batch_size is 'How many of some jobs, in their order, may form one batch.';
