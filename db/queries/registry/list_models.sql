-- All models, by name.
select name, path, family, sha256, native_width, native_height, files::text as files, prediction
from models
order by name
