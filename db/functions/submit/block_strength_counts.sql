create or replace function block_strength_counts(model_family text) returns int[]
language sql immutable parallel safe as $$
  select case when model_family = 'sdxl' then '{12,20,26}' else '{17,26}' end::int[]
$$;
comment on function block_strength_counts is
  'How many block strengths an adapter for a family may have: one for each block of its UNet, or of every kind of UNet.';
