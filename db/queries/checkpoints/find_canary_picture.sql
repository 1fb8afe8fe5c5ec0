-- The picture of a canary, as stored. @id bigint. Primary key.
select picture from canaries where id = @id
