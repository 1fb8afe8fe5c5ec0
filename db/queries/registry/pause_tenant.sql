-- Pauses or resumes a tenant. @name text, @paused boolean. Returns its name.
update tenants set paused = @paused where name_key = lower(@name) returning name
