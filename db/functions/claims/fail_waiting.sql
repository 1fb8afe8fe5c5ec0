create or replace function fail_waiting(these bigint[], with_code text, messages text[]) returns bigint[]
language plpgsql as $$
-- Called with the rows locked. No attempt was made, so none is counted.
declare
  ended bigint[];
  changed int;
begin
  with failed as (
    update jobs j set state = 'failed', indexed_state = 'failed', finished_at = clock_timestamp()
    from unnest(these, messages) u(id, message) where j.id = u.id
    returning j.id, j.attempts, j.group_id, j.campaign_id, u.message),
  noted as (
    insert into job_attempts (job_id, attempt, counted, code, message)
    select f.id, f.attempts, false, with_code, f.message from failed f)
  select coalesce(array_agg(f.id), '{}'), count_moves(array_agg(f.group_id), array_agg(f.campaign_id), 'queued', 'failed')
  into ended, changed
  from failed f;
  perform notify_done(ended);
  return ended;
end $$;
comment on function fail_waiting is 'Fails waiting jobs, with a message for each; returns their ids.';
