create or replace function is_for_start_image(attempt job_attempts) returns boolean
language sql immutable as $$
  -- By how its message begins (MessageStart of Core's StartImageFolder; StartImageTests holds both equal): the code is that of all attempts
  -- that are not the job's doing.
  select attempt.code = 'requeued' and starts_with(attempt.message, 'Start image ''')
$$;
comment on function is_for_start_image is 'Whether an attempt was requeued because a worker could not read the start image of its job.';
