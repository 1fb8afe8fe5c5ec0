create or replace function lock_load(of_load text, of_role name) returns void
language plpgsql as $$
-- The row is deleted again at once, so that none stays. Until this transaction ends, whoever writes the same one waits for it, and nobody
-- but the owner can write one: an advisory lock could be kept by any login.
begin
  insert into load_locks (staged_by, load) values (of_role, of_load);
  delete from load_locks k where k.staged_by = of_role and k.load = of_load;
end $$;
comment on function lock_load is
  'Lets one transaction at a time take rows out of a load: returns when no other does, and keeps others away.';
