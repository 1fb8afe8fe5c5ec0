create or replace function strength_text(strength numeric) returns text
language sql immutable as $$
  select trim_scale(strength)::text
$$;
comment on function strength_text is 'A strength in the one form that signatures use, without trailing zeros.';
