-- One migrator at a time, until the transaction ends. A table's lock, since only its owner can take this one: nobody else can keep the
-- owner from migrating. Returns nothing.
lock table schema_lock in exclusive mode
