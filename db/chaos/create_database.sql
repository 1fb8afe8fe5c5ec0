-- The database of a run.
create database batchgen
