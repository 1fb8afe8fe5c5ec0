-- What there is before anything is read of it. @schema text. Returns server (its version as a number, for example 150004), has_state
-- (whether the tables of ensure_state_tables are there), is_owner (whether this user may migrate; true where there is no schema yet).
select current_setting('server_version_num')::int as server,
  to_regclass(quote_ident(@schema) || '.schema_version') is not null as has_state,
  coalesce((select pg_has_role(n.nspowner, 'member') from pg_namespace n where n.nspname = @schema), true) as is_owner
