-- Extends a lease. @batch_id bigint, @epoch bigint, @lease interval, @finished int, @step int, @steps int. Returns ids of cancelled jobs.
select heartbeat_batch(@batch_id, @epoch, @lease, @finished, @step, @steps)
