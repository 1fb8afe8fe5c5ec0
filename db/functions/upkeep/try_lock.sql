create or replace function try_lock(what text) returns boolean
language plpgsql security definer as $$
-- The lock of a table of ours and not an advisory lock, which every login can take and keep. Only the owner may lock the table like this.
-- It writes no row: the transaction that holds it gets no number, and vacuum does not wait for it.
begin
  execute format('lock table %I in exclusive mode nowait', what || '_lock');
  return true;
exception when lock_not_available then
  return false;
end $$;
comment on function try_lock is
  'Takes the lock counts, retention or reindex until the transaction ends; false when another session has it.';
