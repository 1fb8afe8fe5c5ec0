-- Moves ended jobs past their retention out of the queue. @older_than interval, @at_most int. Returns how many. Primary keys, from the oldest up.
select archive_jobs(@older_than, @at_most)
