-- Whether the embedded database is there. Returns one boolean.
select exists (select from pg_database where datname = 'batchgen')
