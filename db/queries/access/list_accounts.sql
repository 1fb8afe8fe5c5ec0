-- People who may log in. No parameters.
select name, role, created_at from accounts order by name_key
