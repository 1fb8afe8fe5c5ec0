-- The pictures before and after one, in the order of job ids. @job_id bigint. Returns newer, older. Primary key.
select
  (select job_id from images where job_id > @job_id order by job_id limit 1) as newer,
  (select job_id from images where job_id < @job_id order by job_id desc limit 1) as older
