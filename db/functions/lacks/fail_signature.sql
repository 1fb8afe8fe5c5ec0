create or replace function fail_signature(in_group int, of_signature text, lacks_model boolean, why text, at_most int) returns int
language plpgsql as $$
declare
  these bigint[];
begin
  these := array(
    select j.id from jobs j
    where j.indexed_state = 'ready' and j.group_id = in_group and j.signature = of_signature
    order by j.group_id, j.signature, j.id limit at_most for update skip locked);
  return cardinality(
    fail_waiting(these, case when lacks_model then 'model' else 'adapter' end, array_fill(why, array[cardinality(these)])));
end $$;
comment on function fail_signature is 'Fails waiting jobs of one signature in a dispatch group; returns how many.';
