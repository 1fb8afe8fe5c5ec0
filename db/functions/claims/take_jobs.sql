create or replace function take_jobs(claim claim_state) returns claim_state
language plpgsql as $$
-- Which jobs (rule 8): those of the chosen signature, oldest id first; of the group that it was found in, then of other tenants in the
-- priority level, who profit from the same fusion. Rows that another session has locked are skipped. Looked for behind the last job claimed
-- of it (rule 9).
declare
  memory constant claim_memory := claim.memory;
  groups constant waiting_group[] := claim.groups;
  last_ids constant jsonb := case when claim.signature = memory.signature then memory.last_ids else '{}' end;
  places_to_try int[] := array[claim.place];
  place int;
  last_id bigint;
  taken record;
  size int;
  ids bigint[] := '{}';
  attempts smallint[] := '{}';
  limits smallint[] := '{}';
  rows tid[] := '{}';
  places int[] := '{}';
begin
  if claim.place is null then return claim; end if;
  if cardinality(groups) > 1 then
    places_to_try := array(
      select u.ordinality
      from unnest(groups) with ordinality u
      where starts_with(claim.signature, u.model || '|')
      order by u.ordinality <> claim.place, u.virtual_time);
  end if;
  foreach place in array places_to_try loop
    exit when cardinality(ids) >= claim.max_jobs;
    last_id := coalesce((last_ids ->> groups[place].group_id::text)::bigint, 0);
    select array_agg(p.id) as ids, array_agg(p.attempts) as attempts, array_agg(p.batch_limit) as limits, array_agg(p.ctid) as rows
    into taken
    from (
      select j.id, j.batch_limit, j.attempts, j.ctid
      from jobs j
      where j.indexed_state = 'ready' and j.group_id = groups[place].group_id and j.signature = claim.signature and j.id > last_id
        -- More may be late than the clock fails at a time.
        and (j.deadline is null or j.deadline > claim.started)
      order by j.group_id, j.signature, j.id
      limit claim.max_jobs - cardinality(ids)
      for update skip locked) p;
    if taken.ids is not null then
      ids := ids || taken.ids;
      attempts := attempts || taken.attempts;
      limits := limits || taken.limits;
      rows := rows || taken.rows;
      places := places || array_fill(place, array[cardinality(taken.ids)]);
    end if;
  end loop;
  if cardinality(ids) > 0 then
    size := allowed_batch_size(ids, limits, claim.max_pixels);
    claim.job_ids := ids[1:size];
    claim.job_attempts := attempts[1:size];
    claim.job_rows := rows[1:size];
    claim.job_places := places[1:size];
  end if;
  return claim;
end $$;
comment on function take_jobs is 'Step of claim_batch: locks the jobs of the batch.';
