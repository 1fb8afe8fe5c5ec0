create or replace function retry_failed(
  of_campaign text default null, with_code text default null, of_signature text default null, at_most int default 10000)
returns int
language plpgsql security definer as $$
declare
  owner constant int := caller_tenant(null);
  these bigint[];
  changed int;
begin
  if at_most < 0 then
    perform refuse('retry_failed', 'at_most', format('expected a number of jobs from 0 on, or null for all, got %s.', at_most));
  end if;
  select array_agg(id) into these from (
    select j.id
    from jobs j
    join dispatch_groups g on g.id = j.group_id
    where j.indexed_state = 'failed'
      and (owner is null or g.tenant_id = owner)
      and (of_signature is null or j.signature = of_signature)
      and (of_campaign is null or j.campaign_id = any(array(select c.id from campaigns c where c.name = of_campaign)))
      and (with_code is null or with_code = (select a.code from job_attempts a where a.job_id = j.id order by a.id desc limit 1))
    order by j.id
    limit at_most) failed;
  select count(*) into changed from retry_jobs(coalesce(these, '{}'));
  return changed;
end $$;
comment on function retry_failed is 'Requeues failed jobs by campaign, failure code or signature; returns how many.';
