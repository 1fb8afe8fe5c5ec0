-- Takes the snapshot of a repeatable-read transaction, as a forgotten session or a long report would. Returns a count.
select count(*)
from pg_class
