-- Cancels what clients run. $1 text: pattern of their application name.
select count(pg_cancel_backend(pid))
from pg_stat_activity
where application_name like $1 and state = 'active' and query not ilike '%listen%'
