-- Deletes archived jobs past their retention. @older_than interval, @at_most int. Returns how many. Index archived_jobs_by_end.
select prune_archive(@older_than, @at_most)
