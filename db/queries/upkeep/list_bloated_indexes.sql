-- Indexes of the queue worth rebuilding, with the statement that does it: larger than @min_bytes bigint and more than three times what
-- their entries need (96 bytes an entry: the longest key here, at the usual fill). Returns name, statement.
select c.relname::text as name, format('reindex index concurrently %I.%I', n.nspname, c.relname) as statement
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_index i on i.indexrelid = c.oid
where n.nspname = current_schema()
  and i.indisvalid
  and pg_relation_size(c.oid) > @min_bytes
  and pg_relation_size(c.oid) > 3 * 96 * greatest(c.reltuples, 1)
order by pg_relation_size(c.oid) desc
