create or replace function worker_lives(worker workers, instant timestamptz) returns boolean
language plpgsql as $$
-- A worker writes its own row between two batches only; while it renders, its lease shows that it lives.
begin
  return worker.stopped_at is null and (silent_since(worker) > instant - interval '10 minutes'
    or exists (select from batches b where b.worker_id = worker.id and b.state = 'open' and b.lease_expires_at > instant));
end $$;
comment on function worker_lives is 'Whether a worker runs, as far as its signs show.';
