create or replace function is_held_by_others(wanted text, in_group int, by_worker uuid, batch_size int) returns boolean
language plpgsql as $$
-- Whether to leave a signature to the workers that have it fused (rule 7): true while what waits would not fill one batch for each of them
-- and one for us; with a batch size of null, true whenever one of them has it.
declare
  -- A variable, because the volatile clock_timestamp() cannot bound an index scan.
  started constant timestamptz := clock_timestamp();
  holders int;
  waiting int;
begin
  -- Two workers that choose at the same moment must not choose the same: the first to choose holds this row until its batch is written. The
  -- row of a table of ours and not an advisory lock, which every login can take and keep. Two signatures may share a row: the second then
  -- looks held for this moment.
  perform from signature_locks l where l.slot = hashtext(wanted) & 8191 for no key update skip locked;
  if not found then return true; end if;
  -- A worker that stopped holds nothing, however lately it did. Not by distinct or a join: without sorts allowed, the planner would read
  -- all batches in the order of their workers.
  select count(*) into holders from workers w
  where w.stopped_at is null and w.id = any(array(
    select b.worker_id from batches b
    where b.signature = wanted and b.lease_expires_at > started and b.worker_id <> by_worker and b.state <> 'lost'));
  if holders = 0 then return false; end if;
  if batch_size is null then return true; end if;
  select count(*) into waiting from (
    select from jobs j where j.indexed_state = 'ready' and j.group_id = in_group and j.signature = wanted
    order by j.id limit batch_size * (holders + 1)) counted;
  return waiting < batch_size * (holders + 1);
end $$;
comment on function is_held_by_others is 'Whether other workers have a signature fused and what waits of it is too little to share.';
