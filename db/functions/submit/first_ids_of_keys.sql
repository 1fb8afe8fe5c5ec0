create or replace function first_ids_of_keys(checked checked_job[], ids bigint[], for_tenant int) returns bigint[]
language plpgsql as $$
-- The first submit of a key wins, also against one that has not committed yet (the insert waits for it).
-- In key order, so that two bulk submits cannot wait for each other.
begin
  insert into idempotency_keys (tenant_id, key, job_id)
  select distinct on (c.idempotency_key collate "C") for_tenant, c.idempotency_key, ids[c.ordinality]
  from unnest(checked) with ordinality c
  where c.idempotency_key is not null
  order by c.idempotency_key collate "C", c.ordinality
  on conflict do nothing;
  return array(
    select coalesce((
      select k.job_id from idempotency_keys k where k.tenant_id = for_tenant and k.key = c.idempotency_key), ids[c.ordinality])
    from unnest(checked) with ordinality c
    order by c.ordinality);
end $$;
comment on function first_ids_of_keys is
  'For each job the id under which its idempotency key was first submitted; its own id without a key.';
