-- Gives every role its rights, to be compared with those before and undone. Returns nothing.
call apply_grants()
