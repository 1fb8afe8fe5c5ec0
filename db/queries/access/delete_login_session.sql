-- Ends a login. @hash bytea.
delete from login_sessions where hash = @hash
