-- Records failed attempts. @batch_id bigint, @epoch bigint, @job_ids bigint[], @codes text[], @messages text[], @retry_delay interval,
-- @max_retry_delay interval. Returns how many jobs changed.
select fail_jobs(@batch_id, @epoch, @job_ids, @codes, @messages, @retry_delay, @max_retry_delay)
