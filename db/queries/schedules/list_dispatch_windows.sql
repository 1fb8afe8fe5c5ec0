-- Dispatch windows. No parameters. A handful of rows.
select w.id, w.name, t.name as tenant, m.name as model, w.time_zone, w.opens, w.closes, w.weekdays, w.exempt_priority, w.enabled
from dispatch_windows w
left join tenants t on t.id = w.tenant_id
left join models m on m.id = w.model_id
order by w.name
