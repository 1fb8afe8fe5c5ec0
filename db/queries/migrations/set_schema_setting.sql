-- Tells ensure_schema the name. @schema text. Returns the name.
select set_config('batchgen.schema', @schema, false)
