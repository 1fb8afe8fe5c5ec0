-- Forgets start images whose files were removed, for every tenant that sent them. @names text[]. Returns nothing. Primary key.
delete from start_images where name = any(@names)
