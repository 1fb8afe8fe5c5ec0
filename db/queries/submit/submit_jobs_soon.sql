-- Submits jobs, and waits for locks of other transactions for a limited time. @jobs jsonb, @tenant text or null, @lock_timeout text such as
-- '5s'. Returns one id per element, in order. The limit holds for this transaction only, and is set before the function is called, because
-- that needs its arguments.
select submit_jobs(case when set_config('lock_timeout', @lock_timeout, true) is not null then @jobs end, @tenant)
