create or replace function is_blamed(job bigint) returns boolean
language plpgsql as $$
-- Whoever kills workers hits a lone job now and then, but hardly the same one three times; and where workers die under other jobs too, it
-- is not this one that kills them. Not for ever, or two jobs that do would excuse each other. A person's retry begins anew: what was wrong
-- with the job or its workers may be mended.
declare
  always_excused constant int := 2;
  never_excused constant int := 10;
  losses int;
  first_loss bigint;
begin
  select count(*), min(a.batch_id) into losses, first_loss
  from job_attempts a join batches b on b.id = a.batch_id
  where a.job_id = job and a.id > last_ending(job) and a.code = 'worker_lost' and cardinality(b.job_ids) = 1;
  if losses < always_excused then return false; end if;
  return losses >= never_excused
    or not exists (select from batches b where b.id > first_loss and b.state = 'lost' and job <> all(b.job_ids));
end $$;
comment on function is_blamed is 'Whether a job whose worker was lost while it drew this job alone is taken for the reason.';
