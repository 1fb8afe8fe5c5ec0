-- Tells drop_routines or drop_views what to drop, until the transaction ends. @dropped text[]. Returns it.
select set_config('batchgen.dropped', @dropped::text[]::text, true)
