-- Ends connections of clients as an administrator does. $1 text: pattern of their application name; $2 int: at most so many.
select count(pg_terminate_backend(pid))
from (select pid from pg_stat_activity where application_name like $1 order by backend_start limit $2) chosen
