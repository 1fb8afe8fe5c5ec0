-- Tenants. No parameters. A handful of rows.
select name, weight, paused from tenants order by name
