create or replace function note_lack(of_worker uuid, of_kind text, of_name text, with_sha256 text, why text) returns void
language plpgsql security definer as $$
-- A worker that was started again lacks it no less long: what one of its name lacked until a moment ago counts on.
begin
  insert into worker_lacks as l (worker_id, kind, name, sha256, reason, since)
  select of_worker, of_kind, of_name, with_sha256, why, coalesce(min(before.since), clock_timestamp())
  from workers w
  join workers same on same.name = w.name and same.stopped_at is not null and same.id <> w.id
  join worker_lacks before on before.worker_id = same.id and before.kind = of_kind and before.name = of_name
    and before.sha256 = with_sha256 and before.looked_at > clock_timestamp() - interval '15 minutes'
  where w.id = of_worker
  on conflict (worker_id, kind, name) do update set
    since = case when l.sha256 = excluded.sha256 then l.since else excluded.since end,
    sha256 = excluded.sha256, reason = excluded.reason, looked_at = excluded.looked_at;
end $$;
comment on function note_lack is 'Writes down what a worker lacks on its machine: an adapter, a model, start images, or room for images.';
