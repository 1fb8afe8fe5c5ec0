create or replace function touch_worker(of_worker uuid) returns void
language plpgsql as $$
-- A worker claims nothing while it draws a batch, for many minutes where images are large: so each heartbeat of its batch says that it is
-- alive, and workers.heartbeat_at is the one sign that everything goes by. Written again after some seconds only, without an index entry.
-- Never waits for the row, so that it cannot be part of a deadlock: whoever has it locked is done before the next heartbeat.
begin
  update workers w set heartbeat_at = clock_timestamp()
  from (
    select x.id from workers x
    where x.id = of_worker and x.stopped_at is null
      -- Written again also where the clock was set back behind it.
      and x.heartbeat_at not between clock_timestamp() - interval '10 seconds' and clock_timestamp()
    for no key update skip locked) due
  where w.id = due.id;
end $$;
comment on function touch_worker is 'Writes down that a worker is alive.';
