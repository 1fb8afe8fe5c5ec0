-- Which of some start images a tenant sent, so that they were in the folder once. @names text[]. Returns text.
select distinct s.name from start_images s where s.name = any(@names)
