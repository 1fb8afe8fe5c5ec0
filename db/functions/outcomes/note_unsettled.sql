create or replace function note_unsettled(of_batch batches) returns void
language plpgsql as $$
begin
  insert into unsettled_jobs (job_id, batch_id)
  select j.id, of_batch.id
  from unnest(of_batch.job_ids) u(id) join jobs j on j.id = u.id
  where j.batch_id = of_batch.id and j.state = 'running'
  on conflict (job_id) do update set batch_id = excluded.batch_id;
end $$;
comment on function note_unsettled is
  'Writes down which jobs of a batch that ends are still running, because another session has them locked.';
