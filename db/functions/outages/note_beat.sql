create or replace function note_beat() returns void
language plpgsql as $$
-- Every claim, heartbeat and rescue comes here. Written at most once a second. A silence is noted as an outage when the server was started
-- meanwhile, when its clock stands before the last sign, or when no worker at all gave a sign for half a lease.
declare
  now_is constant timestamptz := clock_timestamp();
  last_sign constant timestamptz := noted_instant('beats');
  started constant timestamptz := pg_postmaster_start_time();
  shortest_lease interval;
begin
  -- Another session may have noted a sign a moment after this one looked at the clock.
  if last_sign between now_is - interval '1 second' and now_is + interval '1 second' then return; end if;
  if abs(extract(epoch from started - noted_instant('server_starts'))) > 0.0001 then
    -- Servers that start again and again make one outage: workers had no time to extend their leases in between.
    if noted_instant('silence_ends') < last_sign - interval '1 minute' then perform note_instant('silence_begins', last_sign); end if;
    perform note_instant('silence_ends', now_is);
    perform note_instant('restart_noted', now_is);
    perform note_instant('server_starts', started);
  elsif last_sign > now_is then
    perform note_instant('silence_begins', now_is);
    perform note_instant('silence_ends', now_is);
    perform note_instant('restart_noted', least(noted_instant('restart_noted'), now_is));
  elsif last_sign < now_is - interval '2 seconds' then
    -- Without an open batch the time counts after which images are discarded that no checkpoint covered (rescue_expired).
    select coalesce(min(b.lease), interval '10 minutes') into shortest_lease from batches b where b.state = 'open';
    if now_is - last_sign > shortest_lease / 2 then
      perform note_instant('silence_begins', last_sign);
      perform note_instant('silence_ends', now_is);
    end if;
  end if;
  -- Last: until here another session sees the silence too.
  perform note_instant('beats', now_is);
end $$;
comment on function note_beat is 'Notes that a worker gave a sign, and the outage that this sign ends.';
