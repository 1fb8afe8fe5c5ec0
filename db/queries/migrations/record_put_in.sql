-- Writes down that a file of db/functions was put in. @name text, @sha256 text, @made text[] (its routines).
insert into schema_functions (name, sha256, made) values (@name, @sha256, @made)
on conflict (name) do update set sha256 = excluded.sha256, made = excluded.made
