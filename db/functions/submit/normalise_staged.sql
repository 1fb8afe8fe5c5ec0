create or replace function normalise_staged(of_load text) returns void
language plpgsql as $$
-- Most rows are plain: nothing to refuse, nothing but defaults to fill in. The others are checked one by one, in the order they were
-- staged, by check_job, so that every way of submitting says the same; what it makes of them is written back.
declare
  started constant timestamptz := clock_timestamp();
  staged staged_jobs;
  checked checked_job;
begin
  for staged in
    select s.* from staged_jobs s
    where s.load = of_load and s.staged_by = session_user
      and not (coalesce(recipe_is_plain(s.recipe), false) and coalesce(dispatch_is_plain(s), false)
        and (s.deadline is null or s.deadline > greatest(s.run_at, started)))
    order by s.job_id
  loop
    begin
      checked := check_job(staged_job_json(staged), 'line ?');
    exception when sqlstate 'BG001' then
      checked := check_job(staged_job_json(staged), staged_line(of_load, staged.job_id));
    end;
    update staged_jobs s set recipe = checked.recipe where s.job_id = staged.job_id;
  end loop;
end $$;
comment on function normalise_staged is
  'Refuses a staged load that breaks a rule, and brings rows in another spelling into the canonical form.';
