-- Notes whose a start image is. @name text (SHA-256 and extension), @size_bytes bigint, @quota_bytes bigint of the tenant, @tenant text
-- or null, @lock_timeout text as in submit_jobs_soon. Returns nothing; refuses what is beyond the quota. Index start_images_by_tenant.
select keep_start_image(
  case when set_config('lock_timeout', @lock_timeout, true) is not null then @name end, @size_bytes, @quota_bytes, @tenant)::text
