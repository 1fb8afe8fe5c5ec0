create or replace function is_start_image_name(name text) returns boolean
language sql immutable as $$
  -- A path below the start image folder and nowhere else: no root, drive, way up, or character that some system reads as a separator; and
  -- no part that is longer than any file system's names.
  -- The same rule as Core's StartImageFolder.IsName; a test asks both about the same names.
  select name !~ '(^$|^[/ ]|[/ ]$|//|[\\:*?"<>|[:cntrl:]]|(^|/)\.{1,2}(/|$))'
    and (octet_length(name) <= 255 or not exists (
      select from unnest(string_to_array(name, '/')) part where octet_length(convert_to(part, 'UTF8')) > 255))
$$;
comment on function is_start_image_name is
  'Whether a text may name a start image: a relative path below the folder that workers read them from.';
