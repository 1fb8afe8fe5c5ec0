create or replace function could_not_begin(attempt job_attempts) returns text
language sql immutable as $$
  -- By how its message begins (MessageStart of Core's StartImageFolder, UnfusedStart of the worker's BatchRun; tests hold them equal): the
  -- code is that of all attempts that are not the job's doing.
  select case
    when attempt.code <> 'requeued' then null
    when starts_with(attempt.message, 'Start image ''') then 'read the start image'
    when starts_with(attempt.message, 'Not fused: ') then 'fuse the adapters' end
$$;
comment on function could_not_begin is
  'What a worker could not do before it drew the job of an attempt that was requeued for it: read its start image, or fuse its adapters; '
  'null for other attempts.';
