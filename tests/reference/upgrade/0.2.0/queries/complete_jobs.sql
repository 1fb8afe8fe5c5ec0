-- Records images. @batch_id bigint, @epoch bigint and parallel arrays: @job_ids bigint[], @paths text[], @sizes bigint[], @sha256s text[],
-- @widths int[], @heights int[], @seeds bigint[], @recipes text[]. Returns how many jobs succeeded by it.
select complete_jobs(@batch_id, @epoch, @job_ids, @paths, @sizes, @sha256s, @widths, @heights, @seeds, @recipes)
