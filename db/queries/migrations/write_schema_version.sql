-- Writes down how far the schema is. @number int, @oldest_program text, @migrated_by text.
insert into schema_version (number, oldest_program, migrated_by) values (@number, @oldest_program, @migrated_by)
on conflict (only_row) do update
set number = excluded.number, oldest_program = excluded.oldest_program, migrated_by = excluded.migrated_by, migrated_at = clock_timestamp()
