create or replace function drop_known_keys(of_load text, for_tenant int) returns bigint
language plpgsql as $$
declare
  repeated bigint[];
  dropped bigint;
begin
  -- In key order, so that two bulk submits cannot wait for each other.
  with keyed as (
    insert into idempotency_keys (tenant_id, key, job_id)
    select for_tenant, s.idempotency_key, min(s.job_id) from staged_jobs s
    where s.load = of_load and s.staged_by = session_user and s.idempotency_key is not null
    group by s.idempotency_key order by s.idempotency_key collate "C"
    on conflict do nothing
    returning job_id)
  select array_agg(s.job_id) into repeated
  from staged_jobs s left join keyed k on k.job_id = s.job_id
  where s.load = of_load and s.staged_by = session_user and s.idempotency_key is not null and k.job_id is null;
  delete from staged_jobs s where s.job_id = any(repeated);
  get diagnostics dropped = row_count;
  return dropped;
end $$;
comment on function drop_known_keys is 'Takes the rows of a staged load out whose idempotency key is known; returns how many.';
