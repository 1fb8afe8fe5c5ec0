create or replace view results with (security_barrier) as
select j.id as job_id, t.name as tenant, c.name as campaign, j.state, j.signature, i.path, i.size_bytes,
  encode(i.sha256, 'hex') as sha256, i.width, i.height, i.seed, i.recipe, j.finished_at, i.verified_at, i.checkpoint_id,
  a.code as failure_code, a.message as failure_message
from jobs j
join dispatch_groups g on g.id = j.group_id
join tenants t on t.id = g.tenant_id
left join campaigns c on c.id = j.campaign_id
left join saved_images i on i.job_id = j.id
left join lateral (
  select code, message from job_attempts where job_id = j.id and j.state in ('failed', 'cancelled') order by id desc limit 1) a on true
where j.state in ('succeeded', 'failed', 'cancelled')
  and ((select caller_tenant(null)) is null or g.tenant_id = (select caller_tenant(null)));
comment on view results is
  'Ended jobs of the tenants this session may see, with their image, whether it is verified, or why there is none.';
