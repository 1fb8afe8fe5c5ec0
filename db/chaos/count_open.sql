-- Jobs that have not ended, and images that no checkpoint has judged.
select (select count(*) from jobs where state in ('queued', 'running')),
  (select count(*) from saved_images where is_unchecked or verified_at is null)
