create or replace function worker_may_claim(by_worker uuid) returns boolean
language plpgsql as $$
-- Who asks (rule 1): a worker that a person paused, or lets run out, gets nothing.
declare
  worker workers;
begin
  select * into worker from workers w where w.id = by_worker;
  if not found or worker.stopped_at is not null then
    raise exception using errcode = 'BG003', message = format('Worker %s is not registered; it must register when it starts.', by_worker);
  end if;
  return not (worker.paused or worker.draining);
end $$;
comment on function worker_may_claim is
  'Step of claim_batch: whether a worker gets jobs at all; raises BG003 for one that is not registered.';
