create or replace function claim_batch(
  by_worker uuid, of_models text[], max_jobs int, lease interval, max_wait interval, max_batches int, memory jsonb default null, max_pixels bigint default null)
returns table (
  batch_id bigint, epoch bigint, signature text, lease_expires_at timestamptz, remembered jsonb, job_id bigint, attempt smallint, recipe jsonb)
language plpgsql security definer
set search_path from current
-- The probes below are right at any size; a plan made before statistics exist, or for one lucky parameter, must not replace them.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
#variable_conflict use_variable
declare
  started constant timestamptz := clock_timestamp();
  worker workers;
  mem jsonb := coalesce(memory, '{}');
  fused_now text := mem ->> 'signature';
  spent int := coalesce((mem ->> 'batches')::int, 0);
  virtual_now float8 := coalesce((mem ->> 'now')::float8, 0);
  floors jsonb := coalesce(mem -> 'floors', '{}');
  served jsonb := coalesce(mem -> 'served', '{}');
  after jsonb := coalesce(mem -> 'after', '{}');
  -- A sequence that was never raised shows the value of its first raise already.
  requeued bigint := (select last_value + is_called::int from requeues);
  exact boolean;
  any_window boolean;
  candidate record;
  head record;
  floor_at timestamptz;
  band smallint;
  -- The dispatch groups of the band that have work: parallel arrays.
  group_ids int[] := '{}';
  group_models text[] := '{}';
  group_tenants int[] := '{}';
  group_tags float8[] := '{}';
  group_weights real[] := '{}';
  head_signatures text[] := '{}';
  head_ages timestamptz[] := '{}';
  stay_group int;
  stay_age timestamptz;
  chosen text;
  chosen_group int;
  chosen_tag float8;
  next_signature text;
  next_group int;
  tenant int;
  position int;
  probe text;
  probe_from text;
  share_from int;
  wrapped boolean;
  ids bigint[] := '{}';
  limits smallint[] := '{}';
  tries smallint[] := '{}';
  places tid[] := '{}';
  some_ids bigint[];
  some_limits smallint[];
  some_tries smallint[];
  some_places tid[];
  some_group_ids int[] := '{}';
  cap int;
  pixels bigint;
  taken_from int;
  last_seen bigint;
  new_batch batches;
  the_group int;
begin
  -- 1. Who asks
  select * into worker from workers w where w.id = by_worker;
  if not found or worker.stopped_at is not null then
    raise exception using errcode = 'BG003', message = format('Worker %s is not registered; it must register when it starts.', by_worker);
  end if;
  if worker.paused or worker.draining then
    return query select null::bigint, null::bigint, null::text, null::timestamptz, mem, null::bigint, null::smallint, null::jsonb;
    return;
  end if;
  -- Many late jobs at once are failed in a few claims and rescues, so that none takes long.
  for position in 1 .. 10 loop
    exit when advance_clock() < 5000;
  end loop;
  any_window := exists (select from dispatch_windows w where w.enabled);

  -- 2. The highest band of priority that has work, and who waits longest in each of its dispatch_groups.
  -- The probe starts at a floor that this worker remembers: index entries before it are dead, and while another session holds an old
  -- snapshot nothing may remove them. The floor is dropped when jobs came back, when it is old, and before the answer 'nothing waits'.
  exact := requeued is distinct from (mem ->> 'requeued')::bigint
    or extract(epoch from started) - coalesce((mem ->> 'floors_at')::float8, 0) > least(30, extract(epoch from max_wait) / 4);
  -- With it goes where in the fused signature the last batch ended: what came back lies before that place.
  if exact then
    floors := '{}';
    after := '{}';
  end if;
  loop
    for candidate in
      select g.id, g.priority, g.tenant_id, t.weight, m.name as model,
        greatest(coalesce((served ->> g.tenant_id::text)::float8, 0), virtual_now) as tag
      from dispatch_groups g
      join models m on m.id = g.model_id
      join tenants t on t.id = g.tenant_id
      where not m.paused and not t.paused
        and (of_models is null or m.name_key = any(of_models))
        and (not any_window or group_is_open(g, started))
      order by g.priority desc, tag, m.name collate "C"
    loop
      exit when band is not null and candidate.priority < band;
      floor_at := coalesce(to_timestamp((floors ->> candidate.id::text)::float8), '-infinity');
      select j.run_at, j.signature into head
      from jobs j
      where j.indexed_state = 'ready' and j.group_id = candidate.id and j.run_at >= floor_at
      order by j.group_id, j.run_at limit 1;
      if found then
        band := candidate.priority;
        group_ids := group_ids || candidate.id;
        group_models := group_models || candidate.model;
        group_tenants := group_tenants || candidate.tenant_id;
        group_tags := group_tags || candidate.tag;
        group_weights := group_weights || candidate.weight;
        head_signatures := head_signatures || head.signature;
        head_ages := head_ages || head.run_at;
        floors := floors || jsonb_build_object(candidate.id::text, extract(epoch from head.run_at) - 0.000002);
      else
        -- A second of grace for submits that commit a little after they looked at the clock.
        floors := floors || jsonb_build_object(candidate.id::text, extract(epoch from started) - 1);
      end if;
    end loop;
    exit when band is not null or exact;
    exact := true;
    floors := '{}';
  end loop;
  mem := mem || jsonb_build_object('floors', floors, 'requeued', requeued,
    'floors_at', case when exact then extract(epoch from started)::float8 else (mem ->> 'floors_at')::float8 end);

  -- 3. Whether the fused signature has work in this band
  if band is not null and fused_now is not null then
    for position in 1 .. cardinality(group_ids) loop
      if starts_with(fused_now, group_models[position] || '|') then
        last_seen := coalesce((after ->> group_ids[position]::text)::bigint, 0);
        select j.run_at into stay_age
        from jobs j
        where j.indexed_state = 'ready' and j.group_id = group_ids[position] and j.signature = fused_now and j.id > last_seen
        order by j.group_id, j.signature, j.id limit 1;
        if not found and last_seen > 0 then
          after := after - group_ids[position]::text;
          select j.run_at into stay_age
          from jobs j
          where j.indexed_state = 'ready' and j.group_id = group_ids[position] and j.signature = fused_now
          order by j.group_id, j.signature, j.id limit 1;
        end if;
        if found then
          stay_group := position;
          exit;
        end if;
      end if;
    end loop;
  end if;

  -- 4. Stay until the signature is drained or its budget spent, unless somebody waits too long whose turn it is.
  -- When the fused signature itself has jobs that waited too long, leaving it would only make more of them wait longer.
  if stay_group is not null and spent < max_batches then
    chosen := fused_now;
    chosen_group := stay_group;
    if stay_age > started - max_wait then
      for position in 1 .. cardinality(group_ids) loop
        if head_ages[position] <= started - max_wait and head_signatures[position] <> fused_now
          and group_tags[position] <= group_tags[stay_group]
          and (chosen_group = stay_group or head_ages[position] < head_ages[chosen_group])
          and not is_taken(head_signatures[position], group_ids[position], by_worker, max_jobs)
        then
          chosen := head_signatures[position];
          chosen_group := position;
        end if;
      end loop;
    end if;
  end if;

  -- 5. Else the tenant who had least for its weight; in its dispatch groups the job that waited too long, else the next signature in text order, wrapping round.
  if chosen is null and band is not null then
    for tenant in
      select u.tenant from unnest(group_tenants, group_tags) with ordinality u(tenant, tag, n)
      group by u.tenant order by min(u.tag), min(u.n)
    loop
      next_signature := null;
      for position in 1 .. cardinality(group_ids) loop
        if group_tenants[position] = tenant and head_ages[position] <= started - max_wait
          and head_signatures[position] is distinct from fused_now
          and (next_signature is null or head_ages[position] < head_ages[next_group])
          and not is_taken(head_signatures[position], group_ids[position], by_worker, max_jobs)
        then
          next_signature := head_signatures[position];
          next_group := position;
        end if;
      end loop;
      -- First one that no other worker has fused, since sharing costs a fusion; only when there is none, one with work enough to share.
      foreach share_from in array array[null, max_jobs] loop
        wrapped := fused_now is null;
        probe_from := coalesce(fused_now, '');
        while next_signature is null loop
          -- The next signature in text order over all dispatch groups of the tenant
          probe := null;
          for position in 1 .. cardinality(group_ids) loop
            if group_tenants[position] = tenant then
              select j.signature into head
              from jobs j
              where j.indexed_state = 'ready' and j.group_id = group_ids[position] and j.signature > probe_from
              order by j.group_id, j.signature, j.id limit 1;
              if found and (probe is null or head.signature < probe collate "C") then
                probe := head.signature;
                next_group := position;
              end if;
            end if;
          end loop;
          if probe is not null and (not wrapped or fused_now is null or probe < fused_now collate "C") then
            if is_taken(probe, group_ids[next_group], by_worker, share_from) then
              probe_from := probe;
            else
              next_signature := probe;
            end if;
          elsif wrapped then
            exit;
          else
            wrapped := true;
            probe_from := '';
          end if;
        end loop;
        exit when next_signature is not null;
      end loop;
      if next_signature is not null then
        chosen := next_signature;
        chosen_group := next_group;
        exit;
      end if;
    end loop;
    -- Budget spent, but nothing else waits
    if chosen is null and stay_group is not null then
      chosen := fused_now;
      chosen_group := stay_group;
      spent := 0;
    end if;
  end if;

  -- 6. Take jobs of the signature: first of the chosen dispatch group, then of other tenants in the band, who profit from the same fusion.
  if chosen is not null then
    if chosen is distinct from fused_now then
      after := '{}';
      spent := 0;
    end if;
    for position in
      select u.n from unnest(group_models, group_tags) with ordinality u(model, tag, n)
      where starts_with(chosen, u.model || '|')
      order by u.n <> chosen_group, u.tag
    loop
      exit when cardinality(ids) >= max_jobs;
      the_group := group_ids[position];
      last_seen := coalesce((after ->> the_group::text)::bigint, 0);
      select array_agg(picked.id), array_agg(picked.batch_limit), array_agg(picked.attempts), array_agg(picked.ctid)
      into some_ids, some_limits, some_tries, some_places
      from (
        select j.id, j.batch_limit, j.attempts, j.ctid
        from jobs j
        where j.indexed_state = 'ready' and j.group_id = the_group and j.signature = chosen and j.id > last_seen
          -- More may be late than the clock fails at a time.
          and (j.deadline is null or j.deadline > started)
        order by j.group_id, j.signature, j.id
        limit max_jobs - cardinality(ids)
        for update skip locked) picked;
      if some_ids is not null then
        ids := ids || some_ids;
        limits := limits || some_limits;
        tries := tries || some_tries;
        places := places || some_places;
        some_group_ids := some_group_ids || array_fill(position, array[cardinality(some_ids)]);
      end if;
    end loop;

    -- A job whose worker went away is taken in smaller batches: the batch ends before a job that allows fewer than it would then have.
    cap := cardinality(ids);
    if max_pixels is not null and cap > 1 then
      pixels := 0;
      select coalesce(min(n) - 1, cap) into cap
      from (
        select n, sum((r.recipe -> 'width')::bigint * (r.recipe -> 'height')::bigint) over (order by n) as area
        from unnest(ids) with ordinality u(id, n) join job_recipes r on r.job_id = u.id) sized
      where area > max_pixels and n > 1;
    end if;
    if exists (select from unnest(limits) l where l < cap) then
      select coalesce(min(n) - 1, cap) into cap
      from (
        select n, min(l) over (order by n) as allowed from unnest(limits) with ordinality u(l, n)) smallest
      where n > allowed and n <= cap;
    end if;
    ids := ids[1:cap];
    some_group_ids := some_group_ids[1:cap];
  end if;

  if cardinality(ids) > 0 then
    -- 7. The batch carries the lease; the jobs only name it. The commit does not wait for the disk: a crash of the server in the next moments undoes
    -- the claim, as if the worker had gone away, and what it still sends is refused.
    perform set_config('synchronous_commit', 'off', true);
    insert into batches (worker_id, lease_expires_at, group_id, unended, fused, signature, job_ids)
    values (by_worker, clock_timestamp() + lease, group_ids[chosen_group], cardinality(ids), chosen is distinct from fused_now, chosen, ids)
    returning * into new_batch;
    -- By place, which the lock taken above holds still: no second search for each job.
    with taken as (
      update jobs j set state = 'running', indexed_state = null, batch_id = new_batch.id, attempts = j.attempts + 1
      where j.ctid = any(places[1:cap])
      returning j.group_id, j.campaign_id)
    insert into job_count_changes (group_id, campaign_id, state, change)
    select t.group_id, t.campaign_id, s.state, s.sign * count(*)
    from taken t cross join (values ('queued', -1), ('running', 1)) s(state, sign)
    group by t.group_id, t.campaign_id, s.state, s.sign;
    if new_batch.fused then
      insert into job_count_changes (group_id, campaign_id, state, change) values (new_batch.group_id, 0, 'fusions', 1);
    end if;

    -- 8. What to remember: charge each tenant, and where in the signature the next batch starts
    -- The clock of fairness is the least tag among those who wait, so that whoever waits keeps its credit while another stays on its signature.
    select min(u.tag) into virtual_now from unnest(group_tags) u(tag);
    for position in select distinct u.p from unnest(some_group_ids) u(p) loop
      taken_from := cardinality(array_positions(some_group_ids, position));
      served := served || jsonb_build_object(group_tenants[position]::text,
        greatest(coalesce((served ->> group_tenants[position]::text)::float8, 0), virtual_now) + taken_from / group_weights[position]);
      after := after || jsonb_build_object(group_ids[position]::text, ids[(array_positions(some_group_ids, position))[taken_from]]);
    end loop;
    mem := mem || jsonb_build_object('signature', chosen, 'batches', spent + 1, 'after', after, 'served', served, 'now', virtual_now);

    return query
    select new_batch.id, new_batch.epoch, new_batch.signature, new_batch.lease_expires_at, case when u.n = 1 then mem end,
      u.id, (u.attempts + 1)::smallint, r.recipe
    from unnest(ids, tries[1:cap]) with ordinality u(id, attempts, n)
    join job_recipes r on r.job_id = u.id
    order by u.n;
  else
    return query select null::bigint, null::bigint, null::text, null::timestamptz, mem, null::bigint, null::smallint, null::jsonb;
  end if;
end $$;
comment on function claim_batch is 'Leases up to max_jobs waiting jobs of one signature to a worker. Remembered goes back in as memory at the next claim; a claim without it is right too, only slower.';
