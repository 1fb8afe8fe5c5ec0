create or replace function needs_adapter(signature text, adapters text[]) returns boolean
language plpgsql immutable as $$
-- By text: names hold neither '+' nor '@', so what stands between them is a name as a whole.
declare
  used constant text := '+' || split_part(signature, '|', 2);
  adapter text;
begin
  if adapters is null then return false; end if;
  foreach adapter in array adapters loop
    if strpos(used, '+' || adapter || '@') > 0 then return true; end if;
  end loop;
  return false;
end $$;
comment on function needs_adapter is 'Whether a signature uses one of some adapters.';
