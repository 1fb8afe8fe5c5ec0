-- A condition on any column but job_id is only looked at once the rows of other tenants are gone.
create or replace view results with (security_barrier) as
select j.id as job_id, behind_barrier(t.name) as tenant, behind_barrier(c.name) as campaign, behind_barrier(j.state) as state,
  behind_barrier(j.signature) as signature, behind_barrier(i.path) as path, behind_barrier(i.size_bytes) as size_bytes,
  behind_barrier(encode(i.sha256, 'hex')) as sha256, behind_barrier(i.width) as width, behind_barrier(i.height) as height,
  behind_barrier(i.seed) as seed, behind_barrier(i.recipe) as recipe, behind_barrier(j.finished_at) as finished_at,
  behind_barrier(i.verified_at) as verified_at, behind_barrier(i.checkpoint_id) as checkpoint_id, behind_barrier(a.code) as failure_code,
  behind_barrier(a.message) as failure_message
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
