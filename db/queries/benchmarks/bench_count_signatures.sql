-- For `bench queue`: signatures that were rendered, the fewest fusions that could do. Returns one number. Reads all batches.
select count(distinct signature) from batches
