-- Which tenant sent which start image.

create table start_images (
  name text collate "C" not null,
  tenant_id int not null references tenants,
  size_bytes bigint not null,
  created_at timestamptz not null default now(),
  constraint start_images_pkey primary key (name, tenant_id),
  constraint start_images_name_valid check (name ~ '^[0-9a-f]{64}\.(png|jpg|webp)$'),
  constraint start_images_size_positive check (size_bytes > 0)
);
comment on table start_images is
  'Start images that tenants sent, named by their SHA-256, and whose they are: the same image may be several tenants''. Images that '
  'people put into the folder by hand, and those sent before this table was there, have no row and serve every tenant.';
create index start_images_by_tenant on start_images (tenant_id) include (size_bytes);
