-- Files of db/functions that were put in. Returns name, sha256, made.
select name, sha256, made from schema_functions
