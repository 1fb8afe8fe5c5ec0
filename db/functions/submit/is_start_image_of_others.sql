create or replace function is_start_image_of_others(image text, owner int) returns boolean
language sql stable as $$
  -- In lower case, as images that were sent are named: a file system that ignores case must not give away what the name hides.
  select exists (select from start_images s where s.name = lower(image))
    and not exists (select from start_images s where s.name = lower(image) and s.tenant_id = owner)
$$;
comment on function is_start_image_of_others is 'Whether other tenants sent a start image, and this one did not.';
