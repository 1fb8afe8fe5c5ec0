create or replace function find_signature_after(groups waiting_group[], of_tenant int, after text) returns signature_choice
language plpgsql as $$
-- One probe per group of the tenant: the first signature behind a text, of all of them the least (rule 6).
declare
  found_signature text;
  least_choice signature_choice;
begin
  for place in 1 .. cardinality(groups) loop
    if groups[place].tenant_id = of_tenant then
      select j.signature into found_signature
      from jobs j
      where j.indexed_state = 'ready' and j.group_id = groups[place].group_id and j.signature > after
      order by j.group_id, j.signature, j.id limit 1;
      if found and (least_choice.place is null or found_signature < least_choice.signature collate "C") then
        least_choice := row(found_signature, place)::signature_choice;
      end if;
    end if;
  end loop;
  return least_choice;
end $$;
comment on function find_signature_after is 'The first signature in text order behind a text that jobs of a tenant wait with.';
