create or replace function hold_start_images(names text[]) returns void
language plpgsql as $$
-- Upkeep removes no image that a session holds, so one that jobs are about to name stays until they are there to be seen. Sessions that
-- hold the same image do not wait for each other, and upkeep waits for none; whoever comes while it removes one waits for it.
begin
  perform from start_images s where s.name = any(names) order by s.name, s.tenant_id for key share;
end $$;
comment on function hold_start_images is 'Keeps upkeep from removing start images until the transaction ends.';
