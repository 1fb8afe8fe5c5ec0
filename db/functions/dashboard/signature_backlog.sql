create or replace function signature_backlog(after_signature text default '', at_most int default 50, count_limit int default 1000)
returns table (signature text, waiting bigint, oldest timestamptz)
language plpgsql stable security definer as $$
#variable_conflict use_variable
-- Hops from signature to signature through the index and counts each only up to a limit: the cost follows what is shown, not what waits.
declare
  group_ids constant int[] := array(select g.id from dispatch_groups g);
begin
  signature := after_signature;
  for shown in 1 .. at_most loop
    select min(n.signature collate "C") into signature
    from unnest(group_ids) g(id)
    cross join lateral (
      select j.signature from jobs j
      where j.indexed_state = 'ready' and j.group_id = g.id and j.signature > signature_backlog.signature
      order by j.group_id, j.signature, j.id limit 1) n;
    exit when signature is null;
    select count(*), min(n.run_at) into waiting, oldest
    from unnest(group_ids) g(id)
    cross join lateral (
      select j.run_at from jobs j
      where j.indexed_state = 'ready' and j.group_id = g.id and j.signature = signature_backlog.signature
      order by j.group_id, j.signature, j.id limit count_limit) n;
    return next;
  end loop;
end $$;
comment on function signature_backlog is
  'Signatures with ready jobs in text order after a given one; waiting is exact below count_limit per dispatch group.';
