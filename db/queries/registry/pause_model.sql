-- Pauses or resumes a model. @name text, @paused boolean. Returns its name.
update models
set paused = @paused, resumed_at = case when paused and not @paused then now() else resumed_at end
where name_key = lower(@name)
returning name
