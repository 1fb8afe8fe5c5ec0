-- The person of a login that has not ended. @hash bytea, @lifetime interval: how long a login lasts at most.
-- Index login_sessions_pkey.
select a.name, a.password_hash, a.role
from login_sessions s
join accounts a on a.id = s.account_id
where s.hash = @hash and s.created_at > now() - @lifetime
