-- Writes down what a worker lacks. @worker_id uuid, @kind text, @name text, @sha256 text, @reason text.
select note_lack(@worker_id, @kind, @name, @sha256, @reason)
