-- How far the schema is. Returns number, oldest_program, migrated_by; no row before the first migration has ended.
select number, oldest_program, migrated_by from schema_version
