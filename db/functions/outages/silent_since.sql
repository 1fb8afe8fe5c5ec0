create or replace function silent_since(worker workers) returns timestamptz
language plpgsql as $$
begin
  return greatest(worker.heartbeat_at, noted_instant('silence_ends'), noted_instant('restart_noted'));
end $$;
comment on function silent_since is 'Since when a worker gives no sign; where the database was away, since it was back.';
