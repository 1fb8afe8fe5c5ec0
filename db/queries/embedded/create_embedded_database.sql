-- Creates the embedded database. Returns nothing.
create database batchgen owner batchgen
