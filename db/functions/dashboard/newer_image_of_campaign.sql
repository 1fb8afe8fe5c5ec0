create or replace function newer_image_of_campaign(
  of_name text, of_signature text, claimed_from timestamptz, claimed_to timestamptz, above bigint, looks int)
returns bigint
language plpgsql stable security definer as $$
declare
  campaign_ids constant int[] := array(select c.id from campaigns c where c.name = of_name);
  place bigint := above;
  image record;
  owned bigint;
begin
  for look in 1..looks loop
    select i.job_id, i.batch_id into image from images i where i.job_id > place order by i.job_id limit 1;
    if image.job_id is null then return null; end if;
    select min(f.job_id) into owned
    from unnest(campaign_ids) c(id)
    cross join lateral (
      select r.job_id from job_recipes r
      where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id >= image.job_id
      order by r.job_id limit 1) f;
    if owned is null then return null; end if;
    if owned > image.job_id then
      place := owned - 1;
      continue;
    end if;
    place := owned;
    if image_is_wanted(image.batch_id, of_signature, claimed_from, claimed_to) then return owned; end if;
  end loop;
  return null;
end $$;
comment on function newer_image_of_campaign is 'Images of the campaigns of a name, upwards: the first one above a job, or null.';
