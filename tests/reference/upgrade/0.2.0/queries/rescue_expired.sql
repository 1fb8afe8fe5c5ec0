-- Takes back leases that ran out. Returns batches rescued. Index batches_open.
select rescue_expired()
