-- One migrator at a time, for this session. @schema text. Returns nothing of use.
select pg_advisory_lock(hashtextextended(@schema || '|migrations', 1))
