create or replace function worker_lives(worker workers, instant timestamptz) returns boolean
language plpgsql as $$
-- By the sign that everything goes by (touch_worker). Judged later than whether it answers: what follows cannot be taken back.
begin
  return worker.stopped_at is null and silent_since(worker) > instant - interval '10 minutes';
end $$;
comment on function worker_lives is 'Whether a worker runs, as far as its heartbeats show.';
