-- Submits staged rows. @load text, @tenant text or null. Returns how many jobs are new. Index staged_jobs_by_load.
select submit_staged(@load, @tenant)
