-- What is paused. No parameters. Returns kind, name.
select 'model' as kind, name from models where paused
union all
select 'tenant', name from tenants where paused
order by kind, name
