-- Digests of what is registered, by name.
select name, sha256 from batchgen.adapters union all select name, sha256 from batchgen.models
