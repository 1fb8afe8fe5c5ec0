-- Puts failed jobs back by filter. @campaign text, @code text, @signature text (each may be null), @at_most int. Returns how many. Index
-- jobs_failed.
select retry_failed(@campaign, @code, @signature, @at_most)
