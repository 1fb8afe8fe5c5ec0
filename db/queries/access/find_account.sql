-- A person by name in any case. @name text. Index accounts_name_key_unique.
select name, password_hash, role from accounts where name_key = lower(@name)
