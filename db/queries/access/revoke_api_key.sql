-- Ends a key. @name text. Returns its name.
update api_keys set revoked_at = now() where name = @name and revoked_at is null returning name
