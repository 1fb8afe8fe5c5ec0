create or replace function notify_done(job_ids bigint[], state text) returns void
language plpgsql as $$
-- One notification for many jobs. A payload holds under 8,000 bytes; beyond a few hundred ids listeners must look themselves.
begin
  if cardinality(job_ids) > 0 then
    perform pg_notify(current_schema() || '_done', jsonb_build_object('state', state, 'count', cardinality(job_ids),
      'job_ids', case when cardinality(job_ids) <= 300 then to_jsonb(job_ids) end)::text);
  end if;
end $$;
comment on function notify_done is 'Notifies upstream apps of jobs that ended: channel SCHEMA_done.';
