-- Ends lock_upkeep. @what text. Returns true.
select pg_advisory_unlock(hashtextextended(current_schema() || '|' || @what, 9))
