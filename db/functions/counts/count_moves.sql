create or replace function count_moves(group_ids int[], campaign_ids int[], from_state text, to_state text) returns int
language plpgsql as $$
-- Parallel arrays, one entry per job. Where from_state is null the jobs are new there, where to_state is null they leave. Changes are
-- appended, never added to a shared row, so that no two sessions wait for each other; fold_counts adds them up.
begin
  insert into job_count_changes (group_id, campaign_id, state, change)
  select m.group_id, m.campaign_id, s.state, s.sign * m.jobs
  from (
    select u.group_id, u.campaign_id, count(*) as jobs
    from unnest(group_ids, campaign_ids) u(group_id, campaign_id)
    group by u.group_id, u.campaign_id) m
  cross join (values (from_state, -1), (to_state, 1)) s(state, sign)
  where s.state is not null;
  return coalesce(cardinality(group_ids), 0);
end $$;
comment on function count_moves is 'Counts that jobs went from one state to another; returns how many did.';
