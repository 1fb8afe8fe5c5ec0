create or replace function find_waiting_groups(claim claim_state) returns claim_state
language plpgsql as $$
-- The highest priority level that has work (rule 2) among what may run (rule 1), and the oldest waiting job of each of its groups. Each
-- group is probed from where this worker's scans start (rule 9): index entries before that are dead, and while another session holds an old
-- snapshot nothing may remove them. Before the answer 'nothing waits', every group is probed once more from its beginning.
declare
  any_window constant boolean := exists (select from dispatch_windows w where w.enabled);
  memory claim_memory := claim.memory;
  scan_starts jsonb := memory.scan_starts;
  candidate record;
  first_job record;
  level smallint;
  waiting waiting_group;
  groups waiting_group[] := '{}';
begin
  loop
    for candidate in
      select g.id, g.priority, g.tenant_id, t.weight, m.name as model,
        greatest(coalesce((memory.served ->> g.tenant_id::text)::float8, 0), memory.virtual_time) as virtual_time,
        coalesce(to_timestamp((scan_starts ->> g.id::text)::float8), '-infinity') as scan_start
      from dispatch_groups g
      join models m on m.id = g.model_id
      join tenants t on t.id = g.tenant_id
      where not m.paused and not t.paused
        and (claim.models is null or m.name_key = any(claim.models))
        and (claim.lacking_models is null or m.name <> all(claim.lacking_models))
        and (not any_window or group_is_open(g, claim.started))
      order by g.priority desc, virtual_time, m.name collate "C"
    loop
      exit when candidate.priority < level;
      select j.run_at, j.signature into first_job
      from jobs j
      where j.indexed_state = 'ready' and j.group_id = candidate.id and j.run_at >= candidate.scan_start
      order by j.group_id, j.run_at limit 1;
      if found then
        waiting := row(candidate.id, candidate.model, candidate.tenant_id, candidate.weight, candidate.virtual_time,
          first_job.signature, first_job.run_at);
        if needs_adapter(first_job.signature, claim.lacking_adapters) then
          waiting := find_first_servable(claim, candidate.id, candidate.tenant_id, waiting);
        end if;
        if waiting.group_id is not null then
          level := candidate.priority;
          groups := groups || waiting;
        end if;
        scan_starts := scan_starts || jsonb_build_object(candidate.id::text, extract(epoch from first_job.run_at) - 0.000002);
      else
        -- A second of grace for submits that commit a little after they looked at the clock.
        scan_starts := scan_starts || jsonb_build_object(candidate.id::text, extract(epoch from claim.started) - 1);
      end if;
    end loop;
    exit when level is not null or memory.scan_starts = '{}';
    memory.scanned_at := claim.started;
    memory.scan_starts := '{}';
    scan_starts := '{}';
  end loop;
  memory.scan_starts := scan_starts;
  claim.memory := memory;
  claim.groups := groups;
  return claim;
end $$;
comment on function find_waiting_groups is 'Step of claim_batch: the dispatch groups of the highest priority level that has work.';
