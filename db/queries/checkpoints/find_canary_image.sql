-- The image of a canary, as stored. @id bigint. Primary key.
select image from canaries where id = @id
