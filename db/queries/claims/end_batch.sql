-- Ends a batch. @batch_id bigint, @epoch bigint, @quiet interval (how long a small signature stays with its worker), @reason text. Returns jobs put back.
select end_batch(@batch_id, @epoch, @quiet, @reason)
