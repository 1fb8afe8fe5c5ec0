-- Process id of this session's server process; its parent is the server. Returns an int.
select pg_backend_pid()
