-- Which files of the image folder no row names and none ever will. @paths text[] below the image folder, with @job_ids bigint[] and
-- @epochs bigint[] read from the names; @grace interval. Returns paths. Uses batches_by_time and the keys of the other tables.
-- A file counts as written for this database only when a batch of it had the epoch and the job; a rescue raises the epoch by one. Where
-- the job itself is gone, nobody knows whether its image was recorded, and the file stays.
select u.path
from unnest(@paths, @job_ids, @epochs) u(path, job_id, epoch)
where exists (
    select from batches b
    where b.claimed_at between to_timestamp(u.epoch / 1e6) - interval '1 second' and to_timestamp(u.epoch / 1e6) + interval '1 second'
      and b.epoch in (u.epoch, u.epoch + 1)
      and u.job_id = any(b.job_ids)
      -- What a worker still sends for a batch that is not open is refused.
      and b.state <> 'open'
      and b.ended_at < clock_timestamp() - @grace)
  and (exists (select from jobs j where j.id = u.job_id) or exists (select from archived_jobs a where a.job_id = u.job_id))
  and not exists (select from images i where i.job_id = u.job_id and i.path = u.path)
  and not exists (select from archived_jobs a where a.job_id = u.job_id and a.job -> 'image' ->> 'path' = u.path)
