-- Forgets files of db/functions that are there no more. @names text[].
delete from schema_functions where name = any(@names)
