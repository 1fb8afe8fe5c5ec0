create or replace function drop_lack(of_worker uuid, of_kind text, of_name text) returns void
language plpgsql security definer as $$
begin
  delete from worker_lacks l using workers w, workers same
  where w.id = of_worker and same.name = w.name and (same.id = w.id or same.stopped_at is not null)
    and l.worker_id = same.id and l.kind = of_kind and l.name = of_name;
end $$;
comment on function drop_lack is 'Writes down that a worker has again what it lacked.';
