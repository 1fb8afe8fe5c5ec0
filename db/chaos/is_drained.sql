-- Whether every job has ended; no row while some have not.
select true where not exists (select from jobs where state in ('queued', 'running'))
