-- Pauses or resumes a tenant. @name text, @paused boolean. Returns its name.
update tenants
set paused = @paused, resumed_at = case when paused and not @paused then now() else resumed_at end
where name_key = lower(@name)
returning name
