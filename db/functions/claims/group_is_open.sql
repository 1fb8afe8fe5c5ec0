create or replace function group_is_open(candidate dispatch_groups, instant timestamptz) returns boolean
language sql stable as $$
  -- Without an exempt priority the comparison is null, and a closed window or null would count as no window at all.
  select coalesce(bool_or(
    window_is_open(w.time_zone, w.opens, w.closes, w.weekdays, instant) or coalesce(candidate.priority >= w.exempt_priority, false)), true)
  from dispatch_windows w
  where w.enabled and (w.tenant_id is null or w.tenant_id = candidate.tenant_id) and (w.model_id is null or w.model_id = candidate.model_id)
$$;
comment on function group_is_open is 'Whether the dispatch windows that apply to a dispatch group let it be claimed from at an instant.';
