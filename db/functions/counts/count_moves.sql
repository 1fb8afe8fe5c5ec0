create or replace function count_moves(group_ids int[], campaign_ids int[], from_states text[], to_states text[]) returns int
language plpgsql as $$
-- Parallel arrays, one entry per job. Where from is null the job is new, where to is null it leaves. Changes are appended, never added to a
-- shared row, so that no two sessions wait for each other; fold_counts adds them up.
begin
  insert into job_count_changes (group_id, campaign_id, state, change)
  select u.group_id, u.campaign_id, s.state, s.sign * count(*)
  from unnest(group_ids, campaign_ids, from_states, to_states) u(group_id, campaign_id, from_state, to_state)
  cross join lateral (values (u.from_state, -1), (u.to_state, 1)) s(state, sign)
  where s.state is not null
  group by u.group_id, u.campaign_id, s.state, s.sign;
  return coalesce(cardinality(group_ids), 0);
end $$;
comment on function count_moves is 'Counts that jobs went from one state to another; returns how many did.';
