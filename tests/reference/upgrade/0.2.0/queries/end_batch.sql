-- Ends a batch. @batch_id bigint, @epoch bigint, @signature_hold interval (how long a small signature stays with its worker), @reason text.
-- Returns jobs requeued.
select end_batch(@batch_id, @epoch, @signature_hold, @reason)
