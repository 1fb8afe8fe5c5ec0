create or replace function fail_unserved(unserved_limit interval, at_most int default 5000) returns int
language plpgsql as $$
-- Jobs that no living worker can serve, because each that may serve their model lacks the model or one of their adapters, and for longer
-- than the limit. Costs one probe of an empty table while no worker lacks anything.
declare
  started constant timestamptz := clock_timestamp();
  overdue_adapters text[];
  overdue_models text[];
  candidate record;
  choice signature_choice;
  why text;
  failed int := 0;
begin
  select array_agg(distinct l.name) filter (where l.kind = 'adapter'), array_agg(distinct l.name) filter (where l.kind = 'model')
  into overdue_adapters, overdue_models
  from worker_lacks l where l.kind <> 'output' and l.since < started - unserved_limit;
  if overdue_adapters is null and overdue_models is null then return 0; end if;
  for candidate in
    select row(g.id, m.name, g.tenant_id, 1, 0, null, null)::waiting_group as waiting, g.id, g.tenant_id, m.name as model
    from dispatch_groups g join models m on m.id = g.model_id
    where overdue_adapters is not null or m.name = any(overdue_models)
  loop
    choice.signature := '';
    loop
      choice := find_signature_after(array[candidate.waiting], candidate.tenant_id, choice.signature);
      exit when choice.place is null;
      continue when not (candidate.model = any(overdue_models) or needs_adapter(choice.signature, overdue_adapters));
      why := why_unserved(choice.signature, candidate.model, unserved_limit, started);
      if why is not null then failed := failed + fail_signature(candidate.id, choice.signature, candidate.model = any(overdue_models),
        why, at_most - failed); end if;
      if failed >= at_most then return failed; end if;
    end loop;
  end loop;
  return failed;
end $$;
comment on function fail_unserved is
  'Fails waiting jobs that no living worker could serve for longer than a limit, at most so many; returns how many.';
