create or replace function normalise_staged(of_load text, submitted_at timestamptz) returns void
language plpgsql as $$
-- The rows that are not plain are checked one by one, in the order they were staged, so that every way of submitting says the same; what
-- comes of them is written back.
declare
  staged record;
  checked checked_job;
begin
  for staged in
    -- The place of the row (ctid): staged rows have no index by number.
    select s.ctid as row_place, s as job
    from staged_jobs s
    where s.load = of_load and s.staged_by = session_user and not staged_is_plain(s, submitted_at)
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
