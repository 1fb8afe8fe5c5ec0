-- Cancels jobs that have not ended. $1 bigint[].
select count(*) from batchgen.cancel_jobs($1)
