-- Writes a migration down as applied. @name text, @sha256 text.
insert into schema_migrations (name, sha256)
values (@name, @sha256)
