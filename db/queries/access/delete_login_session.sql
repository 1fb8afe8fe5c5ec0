-- Ends a login. @hash bytea. Index login_sessions_pkey.
delete from login_sessions where hash = @hash
