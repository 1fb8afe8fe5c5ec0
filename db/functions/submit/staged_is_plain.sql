create or replace function staged_is_plain(staged staged_jobs, submitted_at timestamptz) returns boolean
language sql stable parallel safe as $$
  select coalesce(
    case when jsonb_typeof(staged.recipe) = 'object' then recipe_is_plain(staged.recipe) end
      and dispatch_is_plain(staged)
      and (staged.campaign is null or fits_address(staged.campaign))
      and (staged.deadline is null or staged.deadline > greatest(staged.run_at, submitted_at)),
    false)
$$;
comment on function staged_is_plain is
  'True when check_staged would refuse nothing and change nothing of a row''s recipe and dispatch columns, as of most; false decides '
  'nothing. Model and adapters are looked at by staged_spellings.';
