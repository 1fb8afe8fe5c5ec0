create or replace function normalise_staged(of_load text) returns void
language plpgsql as $$
-- Most rows are plain: nothing to refuse, nothing but defaults to fill in. The others are checked one by one, in the order they were
-- staged, so that every way of submitting says the same; what comes of them is written back.
declare
  started constant timestamptz := clock_timestamp();
  staged record;
  checked checked_job;
begin
  for staged in
    -- The place of the row (ctid): staged rows have no index by number.
    select s.ctid as row_place, s as job
    from staged_jobs s
    where s.load = of_load and s.staged_by = session_user
      and not (coalesce(case when jsonb_typeof(s.recipe) = 'object' then recipe_is_plain(s.recipe) end, false)
        and coalesce(dispatch_is_plain(s), false) and (s.deadline is null or s.deadline > greatest(s.run_at, started)))
    order by s.job_id
  loop
    begin
      checked := check_staged(staged.job, 'line ?');
    exception when sqlstate 'BG001' then
      -- Checked again, so that the refusal has the number of the line.
      checked := check_staged(staged.job, staged_line(of_load, (staged.job).job_id));
    end;
    update staged_jobs s set recipe = checked.recipe where s.ctid = staged.row_place;
  end loop;
end $$;
comment on function normalise_staged is
  'Refuses a staged load that breaks a rule, and brings rows in another spelling into the canonical form.';
