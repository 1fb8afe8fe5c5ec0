-- What the dashboard shows of a job beside its details. @job_id bigint. Primary keys.
select t.name as tenant, r.tags, j.deadline, i.batch_id, w.name as worker, b.claimed_at, i.created_at as saved_at, i.recipe::text as recipe
from jobs j
join dispatch_groups g on g.id = j.group_id
join tenants t on t.id = g.tenant_id
join job_recipes r on r.job_id = j.id
left join images i on i.job_id = j.id
left join batches b on b.id = coalesce(i.batch_id, j.batch_id)
left join workers w on w.id = b.worker_id
where j.id = @job_id
