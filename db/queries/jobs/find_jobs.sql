-- Jobs with everything known about them, in the order of the ids. @job_ids bigint[]. Primary keys, job_attempts_by_job.
select j.id as job_id, j.state, j.signature, g.priority, c.name as campaign, j.attempts, j.max_attempts, j.run_at, j.finished_at,
  r.created_at, r.recipe::text as recipe,
  i.path, i.size_bytes, encode(i.sha256, 'hex') as sha256, i.width as image_width, i.height as image_height,
  i.verified_at, i.checkpoint_id,
  a.code as failure_code, a.message as failure_message
from unnest(@job_ids) with ordinality picked(id, n)
join jobs j on j.id = picked.id
join job_recipes r on r.job_id = j.id
join dispatch_groups g on g.id = j.group_id
left join campaigns c on c.id = j.campaign_id
left join saved_images i on i.job_id = j.id
left join lateral (
  select code, message from job_attempts where job_id = j.id and code not in ('cancelled', 'requeued') order by id desc limit 1) a on true
order by picked.n
