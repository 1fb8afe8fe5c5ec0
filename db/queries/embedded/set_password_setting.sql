-- Tells create_embedded_owner the password. @password text. Returns nothing of use.
select set_config('batchgen.password', @password, false) is not null
