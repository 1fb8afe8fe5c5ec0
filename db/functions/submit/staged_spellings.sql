create or replace function staged_spellings(
  of_load text, adapters_in_prompts boolean, out spellings job_spelling[], out model_ids int[], out priorities int[])
language plpgsql as $$
-- Each spelling of model and adapters is checked once, however many rows share it. Beside the spellings come the pairs of model and
-- priority that dispatch groups are made for.
declare
  spelling record;
  latest job_spelling;
  of_model models;
  line text;
begin
  if adapters_in_prompts then
    update staged_jobs s
    set (recipe, adapters) = (
      select s.recipe || jsonb_build_object('prompt', p.rest), concat_ws('+', nullif(s.adapters, ''), p.adapters)
      from split_prompt(s.recipe ->> 'prompt') p)
    where s.load = of_load and s.staged_by = session_user and holds_adapters(s.recipe);
  end if;

  begin
    for spelling in
      select coalesce(s.model, '') as model, coalesce(s.adapters, '') as adapters, s.priority, min(s.job_id) as first
      from staged_jobs s where s.load = of_load and s.staged_by = session_user
      group by 1, 2, 3
      order by 1, 2
    loop
      if spelling.model is distinct from latest.model then of_model := staged_model(spelling.model, 'line ?'); end if;
      if (spelling.model, spelling.adapters) is distinct from (latest.model, latest.adapters) then
        latest := row(spelling.model, spelling.adapters, of_model.id,
          canonical_signature(of_model, to_jsonb(spelling.adapters), 'line ?'), recipe_defaults(of_model));
        spellings := spellings || latest;
      end if;
      model_ids := model_ids || of_model.id;
      priorities := priorities || spelling.priority;
    end loop;
  exception when sqlstate 'BG001' then
    -- Checked again, so that the refusal has the number of the line.
    line := staged_line(of_load, spelling.first);
    perform canonical_signature(staged_model(spelling.model, line), to_jsonb(spelling.adapters), line);
    -- What was refused was registered meanwhile.
    raise;
  end;
end $$;
comment on function staged_spellings is 'What the spellings of model and adapters in a staged load stand for.';
