-- The server's version as a number, for example 150004.
select current_setting('server_version_num')::int
