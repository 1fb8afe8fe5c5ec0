-- Deletes staged rows that nobody submitted. @older_than interval. Returns how many. Loads that are being submitted are left alone.
select prune_staged(@older_than)
