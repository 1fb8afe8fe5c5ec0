create or replace function image_is_wanted(of_batch bigint, of_signature text, claimed_from timestamptz, claimed_to timestamptz)
returns boolean
language plpgsql stable as $$
begin
  -- Most lists name neither: no look at the batch then.
  return (of_signature is null and claimed_from is null and claimed_to is null) or exists (
    select from batches b
    where b.id = of_batch
      and (of_signature is null or b.signature = of_signature)
      and (claimed_from is null or b.claimed_at >= claimed_from)
      and (claimed_to is null or b.claimed_at < claimed_to));
end $$;
comment on function image_is_wanted is 'Whether the batch of an image fits what a list asks for.';
