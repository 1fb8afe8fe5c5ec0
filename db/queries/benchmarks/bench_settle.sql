-- For `bench queue`: does now what autovacuum does within minutes of a bulk load, so that claims are not measured beside it. No parameters,
-- no rows.
vacuum (analyze) jobs, job_recipes, batches
