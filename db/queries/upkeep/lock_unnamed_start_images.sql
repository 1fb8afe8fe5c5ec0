-- Start images that nobody sent lately and that no job, staged row or schedule names, locked until the transaction ends. @older_than
-- interval. Returns text. Reads all recipes.
select lock_unnamed_start_images(@older_than)
