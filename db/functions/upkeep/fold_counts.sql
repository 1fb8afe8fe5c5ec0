create or replace function fold_counts() returns int
language plpgsql security definer as $$
declare
  folded int;
begin
  -- One at a time; a second caller has nothing to add.
  if not try_lock('counts') then return 0; end if;
  with taken as (
    delete from job_count_changes returning group_id, campaign_id, state, change),
  summed as (
    select group_id, campaign_id, state, sum(change) as change, count(*) as rows from taken group by group_id, campaign_id, state),
  added as (
    insert into job_counts as c (group_id, campaign_id, state, count)
    select group_id, campaign_id, state, change from summed where change <> 0
    order by group_id, campaign_id, state
    on conflict (group_id, campaign_id, state) do update set count = c.count + excluded.count)
  select coalesce(sum(rows), 0) into folded from summed;
  return folded;
end $$;
comment on function fold_counts is 'Adds appended changes to the counts.';
