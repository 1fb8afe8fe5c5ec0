-- Cancels waiting jobs of a campaign or signature. @campaign text, @signature text (one may be null), @at_most int. Returns how many. Index
-- jobs_waiting.
select cancel_waiting(@campaign, @signature, @at_most)
