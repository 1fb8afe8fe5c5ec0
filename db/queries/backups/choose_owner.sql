-- Who should own what was restored, never a superuser: its owner in the backup, if this login may act as that role; else the owner of what
-- it replaces, likewise; else, for a superuser, the owner in the backup, who is missing here, or else the owner of the database.
-- @saved text (its name in the backup; may be null), @aside text (schema that was put aside). Returns the name, or null: whoever restored
-- keeps it.
select coalesce(
  (select r.rolname::text from pg_roles r where r.rolname = @saved and not r.rolsuper and pg_has_role(r.oid, 'member')),
  (
    select r.rolname::text
    from pg_namespace n
    join pg_roles r on r.oid = n.nspowner
    where n.nspname = @aside and not r.rolsuper and pg_has_role(r.oid, 'member')),
  (
    select @saved::text
    from pg_roles me
    where me.rolname = current_user and me.rolsuper and not exists (select from pg_roles r where r.rolname = @saved)),
  (
    select r.rolname::text
    from pg_database d
    join pg_roles r on r.oid = d.datdba
    join pg_roles me on me.rolname = current_user
    where d.datname = current_database() and not r.rolsuper and me.rolsuper))
