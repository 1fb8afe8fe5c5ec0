-- Adds appended changes to the counts. No parameters. Returns how many.
select fold_counts()
