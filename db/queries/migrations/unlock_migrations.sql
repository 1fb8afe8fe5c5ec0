-- Ends lock_migrations. @schema text. Returns true.
select pg_advisory_unlock(hashtextextended(@schema || '|migrations', 1))
