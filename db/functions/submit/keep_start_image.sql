create or replace function keep_start_image(name text, size_bytes bigint, quota_bytes bigint, tenant text default null) returns void
language plpgsql security definer as $$
#variable_conflict use_column
declare
  -- As Core's StartImageFolder.MaxFileBytes; a test holds both equal.
  most_bytes constant bigint := 32 << 20;
  owner constant tenants := owner_of_submit(keep_start_image.tenant);
  noted bigint;
  kept numeric;
begin
  if size_bytes is null or size_bytes not between 1 and most_bytes then
    perform refuse('keep_start_image', 'size_bytes', format('expected the length of the image, from 1 to %s bytes, got %s.',
      most_bytes, coalesce(size_bytes::text, 'null')));
  end if;
  if quota_bytes is null or quota_bytes < 0 then
    perform refuse('keep_start_image', 'quota_bytes', format('expected a number of bytes from 0 on, got %s.',
      coalesce(quota_bytes::text, 'null')));
  end if;
  -- One after the other for each tenant, so that several at once cannot pass the quota together.
  perform from tenants t where t.id = owner.id for no key update;
  -- Upkeep that is about to remove this image, whoever sent it before, ends first: its file is gone then, and is written anew.
  perform hold_start_images(array[keep_start_image.name]);
  select coalesce(max(s.size_bytes) filter (where s.name = keep_start_image.name), 0),
    coalesce(sum(s.size_bytes) filter (where s.name <> keep_start_image.name), 0)
  into noted, kept
  from start_images s
  where s.tenant_id = owner.id;
  -- What is noted may be less than the image has: a caller by SQL says of an image that it does not send what it likes.
  if keep_start_image.size_bytes > noted and kept + keep_start_image.size_bytes > quota_bytes then
    perform refuse('start_image', null, format(
      'tenant ''%s'' has start images of %s bytes already and may have %s (BatchGen:Queue:StartImageQuotaBytes); this one has %s. '
      'Name one that is there, or ask the operator for more.', owner.name, kept, quota_bytes, keep_start_image.size_bytes));
  end if;
  -- Sent again, it counts as sent now: upkeep leaves it for a while.
  insert into start_images as s (name, tenant_id, size_bytes)
  values (keep_start_image.name, owner.id, keep_start_image.size_bytes)
  on conflict (name, tenant_id) do update set
    created_at = clock_timestamp(), size_bytes = greatest(s.size_bytes, excluded.size_bytes);
exception when check_violation or not_null_violation then
  perform refuse('keep_start_image', 'name', format(
    'expected the SHA-256 of the image in lower case and .png, .jpg or .webp, got %s.',
    coalesce(shown(to_jsonb(keep_start_image.name)), 'null')));
end $$;
comment on function keep_start_image is
  'Notes that a tenant sent a start image, which from then on serves its jobs only; refuses it beyond the tenant''s quota.';
