-- Where a job's image lies, and whose it is. @job_id bigint. Primary keys.
select i.path, encode(i.sha256, 'hex') as sha256, i.width, i.height, i.created_at, g.tenant_id
from images i
join jobs j on j.id = i.job_id
join dispatch_groups g on g.id = j.group_id
where i.job_id = @job_id
