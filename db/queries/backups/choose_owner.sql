-- Who should own what was restored: its owner in the backup, if this login may act as that role; else the owner of what it replaces, unless
-- that is a superuser; else, for a superuser, the owner in the backup, who is missing here. @saved text (its name in the backup; may be
-- null), @aside text (schema that was put aside). Returns the name, or null: whoever restored keeps it.
select coalesce(
  (select r.rolname::text from pg_roles r where r.rolname = @saved and pg_has_role(r.oid, 'member')),
  (
    select r.rolname::text
    from pg_namespace n
    join pg_roles r on r.oid = n.nspowner
    where n.nspname = @aside and not r.rolsuper and pg_has_role(r.oid, 'member')),
  (
    select @saved::text
    from pg_roles me
    where me.rolname = current_user and me.rolsuper and not exists (select from pg_roles r where r.rolname = @saved)))
