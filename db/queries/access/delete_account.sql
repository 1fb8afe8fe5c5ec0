-- Takes a person's access away. @name text. Returns their name.
delete from accounts where name_key = lower(@name) returning name
