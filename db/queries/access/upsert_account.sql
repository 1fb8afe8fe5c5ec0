-- Adds a person, or gives them a new password and role. @name text, @password_hash text, @role text.
insert into accounts (name, password_hash, role) values (@name, @password_hash, @role)
on conflict (name_key) do update set password_hash = excluded.password_hash, role = excluded.role
