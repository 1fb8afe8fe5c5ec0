-- The search path that functions keep when they are created: temporary objects last, so that a caller cannot slip a table of its own under
-- them. @schema text. Returns the path.
select set_config('search_path', quote_ident(@schema) || ', pg_temp', false)
