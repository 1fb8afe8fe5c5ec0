-- Lets a transaction find what files make before what the schema holds. @made text, @schema text: the schemas of both. Returns the path.
select set_config('search_path', quote_ident(@made) || ', ' || quote_ident(@schema) || ', pg_temp', true)
