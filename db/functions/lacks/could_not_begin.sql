create or replace function could_not_begin(attempt job_attempts) returns text
language sql immutable as $$
  -- By how its message begins (MessageStart of Core's StartImageFolder, UnbegunStart of the worker's BatchRun; tests hold them equal): the
  -- code is that of all attempts that are not the job's doing.
  select case
    when attempt.code <> 'requeued' then null
    when starts_with(attempt.message, 'Start image ''') then 'start_image'
    when starts_with(attempt.message, 'Not begun: ') then 'model_or_adapters' end
$$;
comment on function could_not_begin is
  'What a worker could not get ready before it drew the job of an attempt that was requeued for it: start_image or model_or_adapters; '
  'null for other attempts.';
