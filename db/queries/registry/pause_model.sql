-- Pauses or resumes a model. @name text, @paused boolean. Returns its name.
update models set paused = @paused where name_key = lower(@name) returning name
