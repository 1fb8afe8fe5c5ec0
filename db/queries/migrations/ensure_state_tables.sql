-- The tables that say how far a schema is. Migrators of several machines may run this at the same moment: who comes second finds them made.
-- Asked for first, because a user without the right to create may not even say "if not exists". Returns nothing.
do $$
begin
  if to_regclass('schema_version') is null then
    create table if not exists schema_lock ();
    comment on table schema_lock is 'Holds no rows: locked by the one program that migrates, which only the owner can.';
    create table if not exists schema_migrations (
      name text primary key,
      sha256 text not null,
      applied_at timestamptz not null default clock_timestamp()
    );
    comment on table schema_migrations is 'Migrations applied, with the digest of their text.';
    create table if not exists schema_functions (
      name text primary key,
      sha256 text not null,
      made text[] not null
    );
    comment on table schema_functions is
      'Files of db/functions that were put in: the digest of their text and the routines they made; nothing for a view.';
    create table if not exists schema_version (
      only_row boolean primary key default true,
      number int not null,
      oldest_program text not null,
      migrated_by text not null,
      migrated_at timestamptz not null default clock_timestamp(),
      constraint schema_version_one_row check (only_row)
    );
    comment on table schema_version is 'How far the schema is, and which programs it serves.';
    comment on column schema_version.number is 'Number of the last migration.';
    comment on column schema_version.oldest_program is
      'Version of the oldest program that the schema still serves; older ones refuse to work with it.';
    comment on column schema_version.migrated_by is 'Version of the program that migrated last.';
  end if;
exception
  when unique_violation or duplicate_table or duplicate_object then
    null; -- Another migrator made them at the same moment.
end $$
