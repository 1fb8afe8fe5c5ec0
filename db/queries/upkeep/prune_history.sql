-- Deletes batches, checkpoints and workers past their retention. @older_than interval, @at_most int. Returns how many rows.
select prune_history(@older_than, @at_most)
