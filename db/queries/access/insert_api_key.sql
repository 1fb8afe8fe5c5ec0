-- Adds a key. @name text, @hash bytea, @role text, @tenant text or null.
insert into api_keys (name, hash, role, tenant_id) values (@name, @hash, @role, (select id from tenants where name_key = lower(@tenant)))
