-- Grants each role what it needs.
call apply_grants()
