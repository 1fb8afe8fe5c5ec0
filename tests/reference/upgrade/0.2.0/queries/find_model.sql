-- One model by name in any case. @name text.
select name, path, family, sha256, native_width, native_height, files::text as files, prediction
from models
where name_key = lower(@name)
