create or replace function discard_staged(load text default '') returns bigint
language plpgsql security definer as $$
#variable_conflict use_column
declare
  of_load constant text := discard_staged.load;
  discarded bigint;
begin
  perform lock_load(of_load, session_user);
  delete from staged_jobs s where s.load = of_load and s.staged_by = session_user;
  get diagnostics discarded = row_count;
  return discarded;
end $$;
comment on function discard_staged is
  'Deletes the rows that this role staged under a load name, such as those that submit_staged refused; returns how many.';
