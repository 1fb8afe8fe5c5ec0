-- Takes back leases that ran out. @unserved_limit interval (jobs that no living worker could serve for longer fail). Returns batches
-- rescued. Index batches_open.
select rescue_expired(@unserved_limit)
