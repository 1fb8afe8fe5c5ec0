-- One at a time, until the transaction ends: false when another has it. @what text. Returns boolean.
select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '|' || @what, 9))
