create or replace function hold_lease(of_batch bigint, with_epoch bigint) returns batches
language plpgsql as $$
-- Locks the batch row: a rescue and a late write of the same batch must come one after the other. By its key alone: asked for state =
-- 'open' as well, the planner may read batches_open instead, where every ended batch stays as long as an old snapshot is held.
declare
  held batches;
begin
  select * into held from batches b where b.id = of_batch for no key update;
  if not found or held.state <> 'open' or held.epoch <> with_epoch then
    raise exception using errcode = 'BG002', message = format('Batch %s is not held under epoch %s any more%s.', of_batch, with_epoch,
      case when held.id is null then ': there is no such batch' else ': it is ' || held.state || ' at epoch ' || held.epoch end);
  end if;
  return held;
end $$;
comment on function hold_lease is 'Locks a batch and returns it; raises BG002 when it is not leased under the epoch any more.';
