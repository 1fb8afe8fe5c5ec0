-- Tells rename_schema the names. @schema text, @new_name text. Returns nothing of use.
select set_config('batchgen.schema', @schema, false), set_config('batchgen.new_name', @new_name, false)
