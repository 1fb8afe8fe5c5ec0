-- Least privilege. Roles belong to the whole server, so they are made only where they are missing and this user may; grants are made to
-- those that exist.

create table tenant_roles (
  role_name name primary key,
  tenant_id int not null references tenants
);
comment on table tenant_roles is 'Database roles that act for one tenant; a role not listed acts for the default tenant.';

