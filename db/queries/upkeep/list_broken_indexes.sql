-- What a reindex that was interrupted left behind, with the statement that removes it. Returns name, statement.
select c.relname::text as name, format('drop index concurrently if exists %I.%I', n.nspname, c.relname) as statement
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_index i on i.indexrelid = c.oid
where n.nspname = current_schema()
  and not i.indisvalid
  and c.relname ~ '_cc(new|old)[0-9]*$'
