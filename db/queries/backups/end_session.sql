-- Ends the sessions of a name that this login has on the server. @session text (their application_name). Returns bigint: how many there
-- were; they may take a moment to end.
select count(pg_terminate_backend(a.pid))
from pg_stat_activity a
where a.application_name = @session and a.usename = current_user and a.pid <> pg_backend_pid()
