-- Jobs that wait for a start time, and the first of those. No parameters. Index jobs_scheduled; counting stops at 5,000.
select
  (select count(*) from (select 1 from jobs where indexed_state = 'scheduled' limit 5000) capped) as scheduled,
  (select min(run_at) from jobs where indexed_state = 'scheduled') as first_at
