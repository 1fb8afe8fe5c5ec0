-- Applied migrations. Returns name, sha256, in order.
select name, sha256
from schema_migrations
order by name collate "C"
