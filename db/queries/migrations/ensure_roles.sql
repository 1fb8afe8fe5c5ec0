-- Creates the three roles where they are missing.
call ensure_roles()
