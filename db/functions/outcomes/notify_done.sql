create or replace function notify_done(job_ids bigint[]) returns void
language plpgsql as $$
-- Anybody may listen to a channel, and anybody may send on it. So a notification only says that something changed, and names no job of any
-- tenant; what ended is written down for ended_jobs. Listeners of 0.2.0 take this text as some jobs that are not named.
begin
  if cardinality(job_ids) > 0 then
    insert into job_endings (job_ids) values (notify_done.job_ids);
    perform pg_notify(current_schema() || '_done', '{"count": 1}');
  end if;
end $$;
comment on function notify_done is 'Notifies upstream apps that jobs ended: channel SCHEMA_done. ended_jobs says which.';
