-- Submits jobs. @jobs jsonb, @tenant text or null. Returns one id per element, in order.
select submit_jobs(@jobs, @tenant)
