create or replace function strength_text(strength numeric) returns text
language sql immutable as $$
  select trim_scale(strength)::text
$$;
