create or replace function keep_start_image(name text, size_bytes bigint, quota_bytes bigint, tenant text default null) returns void
language plpgsql security definer as $$
#variable_conflict use_column
declare
  owner constant tenants := owner_of_submit(keep_start_image.tenant);
  kept bigint;
begin
  -- One after the other for each tenant, so that several at once cannot pass the quota together.
  perform from tenants t where t.id = owner.id for no key update;
  -- Upkeep that is about to remove this image, whoever sent it before, ends first: its file is gone then, and is written anew.
  perform hold_start_images(array[keep_start_image.name]);
  -- Sent again, it counts as sent now: upkeep leaves it for a while.
  update start_images s set created_at = clock_timestamp() where s.name = keep_start_image.name and s.tenant_id = owner.id;
  if found then return; end if;
  select coalesce(sum(s.size_bytes), 0) into kept from start_images s where s.tenant_id = owner.id;
  if kept + keep_start_image.size_bytes > quota_bytes then
    perform refuse('start_image', null, format(
      'tenant ''%s'' has start images of %s bytes already and may have %s (BatchGen:Queue:StartImageQuotaBytes); this one has %s. '
      'Name one that is there, or ask the operator for more.', owner.name, kept, quota_bytes, keep_start_image.size_bytes));
  end if;
  insert into start_images (name, tenant_id, size_bytes) values (keep_start_image.name, owner.id, keep_start_image.size_bytes);
end $$;
comment on function keep_start_image is
  'Notes that a tenant sent a start image, which from then on serves its jobs only; refuses it beyond the tenant''s quota.';
