-- How many people and keys have access. No parameters. Returns accounts, keys.
select (select count(*) from accounts) as accounts, (select count(*) from api_keys where revoked_at is null) as keys
