create or replace function fail_used_up(dead batches, worker_name text) returns void
language plpgsql as $$
-- Alone with a worker that stopped answering, again and again: this job is the reason.
declare
  free constant tid[] := free_jobs(dead.id, dead.job_ids);
  failed bigint[];
  noted int;
  changed int;
begin
  with ended as (
    update jobs j set state = 'failed', indexed_state = 'failed', finished_at = clock_timestamp()
    where j.ctid = any(free) and j.attempts >= j.max_attempts
    returning j.id, j.group_id, j.campaign_id, j.attempts::int as attempt,
      format('Worker ''%s'' stopped answering while it rendered this job alone; attempt %s of its limit. See the worker''s log from %s.',
        worker_name, j.attempts, dead.claimed_at) as message)
  select array_agg(e.id),
    note_attempts(dead, array_agg(e.id), array_agg(e.attempt), array_agg(true), array_agg('worker_lost'::text), array_agg(e.message)),
    count_moves(array_agg(e.group_id), array_agg(e.campaign_id), 'running', 'failed')
  into failed, noted, changed
  from ended e;
  perform notify_done(failed);
end $$;
comment on function fail_used_up is 'Fails the job of a lost batch of one when its attempts are used up.';
