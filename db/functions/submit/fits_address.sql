create or replace function fits_address(name text) returns boolean
language sql immutable parallel safe as $$
  -- By number, since what a class of characters means depends on the database's locale: control characters anywhere; at the ends what .NET
  -- takes for white space, which pages and calls leave out of a filter; and what addresses leave out of a path.
  select name !~ ('[\u0001-\u001f\u007f-\u009f]|^[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    '|[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$|^[.][.]?$')
$$;
comment on function fits_address is
  'Whether a name can be asked for in the address of a page or call: no control characters, no blanks at its ends, neither . nor ...';
