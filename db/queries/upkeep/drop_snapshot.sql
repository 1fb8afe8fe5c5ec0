-- The statement after lock_upkeep: it takes no snapshot, and ends the one that the answered query keeps until then.
savepoint locked
