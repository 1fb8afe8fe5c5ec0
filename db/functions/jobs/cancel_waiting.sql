create or replace function cancel_waiting(of_campaign text default null, of_signature text default null, at_most int default 10000)
returns int
language plpgsql security definer as $$
declare
  owner constant int := caller_tenant(null);
  these bigint[];
  changed int;
begin
  if at_most < 0 then
    perform refuse('cancel_waiting', 'at_most', format('expected a number of jobs from 0 on, or null for all, got %s.', at_most));
  end if;
  if of_campaign is null and of_signature is null then
    perform refuse('cancel_waiting', null, 'name a campaign or a signature; cancelling everything is not offered.');
  end if;
  select array_agg(id) into these from (
    select j.id
    from jobs j
    join dispatch_groups g on g.id = j.group_id
    where j.indexed_state in ('ready', 'scheduled')
      and (owner is null or g.tenant_id = owner)
      and (of_signature is null or j.signature = of_signature)
      and (of_campaign is null or j.campaign_id = any(array(select c.id from campaigns c where c.name = of_campaign)))
    order by j.id
    limit at_most) waiting;
  select count(*) into changed from cancel_jobs(coalesce(these, '{}'));
  return changed;
end $$;
comment on function cancel_waiting is 'Cancels waiting jobs of a campaign or signature; returns how many.';
