-- The list of applied migrations. Asked for first, because a user without the right to create may not even say "if not exists". Returns nothing.
do $$
begin
  if to_regclass('schema_migrations') is null then
    create table schema_migrations (
      name text primary key,
      sha256 text not null,
      applied_at timestamptz not null default clock_timestamp()
    );
  end if;
end $$
