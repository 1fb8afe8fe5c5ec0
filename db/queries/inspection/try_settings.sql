-- Gives the functions of the first schema of the search path their settings, to be compared and undone. Returns nothing.
call apply_settings()
