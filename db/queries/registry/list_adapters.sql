-- All adapters, by name.
select name, path, sha256, size_bytes, format, algorithm, family, min_rank, max_rank, module_count, trigger_words
from adapters
order by name
