-- Adapters by name in any case. @names text[] (lower case).
select name, path, sha256, size_bytes, format, algorithm, family, min_rank, max_rank, module_count, trigger_words
from adapters
where name_key = any(@names)
