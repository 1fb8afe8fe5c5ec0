-- How much schemas hold: tables, views, sequences and routines. @schemas text[]. Returns one bigint.
select
  (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = any(@schemas))
  + (select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any(@schemas))
