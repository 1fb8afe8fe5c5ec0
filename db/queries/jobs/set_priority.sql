-- Moves waiting jobs to another priority. @job_ids bigint[], @priority int. Returns how many moved.
select set_priority(@job_ids, @priority)
