create or replace function lock_load(of_load text, of_role name) returns void
language plpgsql as $$
-- The row is deleted again at once, so that none stays. Until this transaction ends, whoever writes the same one waits for it, and nobody
-- but the owner can write one: an advisory lock could be kept by any login.
declare
  -- What is too long for an index stands there by its digest.
  key constant text := case when octet_length(of_load) > 1000 then md5(of_load) else of_load end;
begin
  if of_load is null then
    perform refuse('load', null, 'expected the name of a load, which may be empty, got null.');
  end if;
  insert into load_locks (staged_by, load) values (of_role, key);
  delete from load_locks k where k.staged_by = of_role and k.load = key;
end $$;
comment on function lock_load is
  'Lets one transaction at a time take rows out of a load: returns when no other does, and keeps others away.';
