create or replace function refuse_start_image_of_others(place text, image text, owner tenants) returns void
language plpgsql as $$
begin
  perform refuse(place, 'start_image', format(
    'image %s was sent by another tenant. Send it for tenant ''%s'' too: batchgen submit --start-image FILE or POST /api/v1/start-images.',
    shown(to_jsonb(image)), owner.name));
end $$;
comment on function refuse_start_image_of_others is 'Refuses a job that names a start image of another tenant.';
