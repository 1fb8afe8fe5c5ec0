create or replace function check_staged_start_images(of_load text, owner tenants) returns void
language plpgsql as $$
declare
  id bigint;
  start_image text;
begin
  perform hold_start_images(array(
    select distinct lower(s.recipe ->> 'start_image') from staged_jobs s where s.load = of_load and s.staged_by = session_user));
  select s.job_id, s.recipe ->> 'start_image' into id, start_image
  from staged_jobs s
  where s.load = of_load and s.staged_by = session_user and is_start_image_of_others(s.recipe ->> 'start_image', owner.id)
  order by s.job_id
  limit 1;
  if found then perform refuse_start_image_of_others(staged_line(of_load, id), start_image, owner); end if;
end $$;
comment on function check_staged_start_images is 'Refuses a staged load that names a start image of another tenant.';
