-- Jobs that ended since a marker. @after text or null (what the last call returned), @at_most int. Returns marker, is_complete, job_id,
-- state, tenant, campaign; the last row has no job. Index job_endings_by_xact.
select marker, is_complete, job_id, state, tenant, campaign from ended_jobs(@after, @at_most)
