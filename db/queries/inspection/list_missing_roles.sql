-- Roles of the queue that the server does not have. Returns name.
select wanted.name
from unnest(queue_roles()) wanted(name)
where not exists (select from pg_roles r where r.rolname = wanted.name)
