-- Checks jobs as submit_jobs does, without submitting. @jobs jsonb (an array). Returns jobs, signatures.
select count(*) as jobs, count(distinct c.signature) as signatures
from jsonb_array_elements(@jobs) with ordinality e(element, n)
cross join lateral check_job(e.element, 'jobs[' || n - 1 || ']') c
