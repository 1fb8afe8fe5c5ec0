-- One at a time, for this session: false when another has it. @what text. Returns boolean.
select pg_try_advisory_lock(hashtextextended(current_schema() || '|' || @what, 9))
