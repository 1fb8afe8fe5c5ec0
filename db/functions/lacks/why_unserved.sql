create or replace function why_unserved(signature text, of_model text, unserved_limit interval, instant timestamptz) returns text
language plpgsql as $$
-- Null while some living worker may serve it, or none lives that could say what it lacks.
declare
  worker workers;
  lack worker_lacks;
  why text;
begin
  for worker in
    select w.* from workers w where worker_lives(w, instant) and may_serve(w, of_model)
  loop
    select l.* into lack from worker_lacks l
    where l.worker_id = worker.id and l.since < instant - unserved_limit
      and (l.kind = 'model' and l.name = of_model or l.kind = 'adapter' and needs_adapter(why_unserved.signature, array[l.name]))
    order by l.since limit 1;
    if not found then return null; end if;
    -- Without the worker's own words, which name folders of its machine.
    why := format(
      'No worker that runs has had %s ''%s'' as registered for more than %s; worker ''%s'' lacks it since %s and says why on the page '
      'Workers. Put its files back, then retry the job.', lack.kind, lack.name, unserved_limit, worker.name, lack.since);
  end loop;
  return why;
end $$;
comment on function why_unserved is
  'Why no living worker could serve a signature for longer than a limit; null while one can, or when none lives.';
