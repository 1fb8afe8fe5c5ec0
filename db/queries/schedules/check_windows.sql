-- Whether jobs may be claimed now as far as the windows that hold for all jobs go. No parameters. A handful of rows.
select coalesce(bool_or(window_is_open(w.time_zone, w.opens, w.closes, w.weekdays, now())), true) as open
from dispatch_windows w
where w.enabled and w.tenant_id is null and w.model_id is null
