create or replace function lease_ran_out(held batches, instant timestamptz) returns boolean
language plpgsql as $$
-- A worker's silence counts from when the database was back: nobody is rescued in the first lease after a start of the server, nor, where
-- the lease was still alive when all workers fell silent, in the first lease after that silence. A lease that had run out by then belongs
-- to a worker that was silent while others were not.
declare
  silence_end constant timestamptz := noted_instant('silence_ends');
  restart constant timestamptz := noted_instant('restart_noted');
begin
  if held.lease_expires_at > instant then return false; end if;
  if held.renewed_at < restart and restart + held.lease > instant then return false; end if;
  return not (held.renewed_at < silence_end and silence_end + held.lease > instant
    and held.lease_expires_at > noted_instant('silence_begins'));
end $$;
comment on function lease_ran_out is 'Whether the worker of an open batch stopped answering, outages of the database not counted.';
