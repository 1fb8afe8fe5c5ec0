create or replace function images_of_campaign(
  of_name text, of_signature text, claimed_from timestamptz, claimed_to timestamptz, below bigint, at_most int, looks int)
returns table (job_id bigint, batch_id bigint)
language plpgsql stable security definer as $$
declare
  -- Tenants may share a name.
  campaign_ids constant int[] := array(select c.id from campaigns c where c.name = of_name);
  place bigint := below;
  image record;
  owned bigint;
  found_so_far int := 0;
begin
  for look in 1..looks loop
    -- Low ids are drawn first, so that most jobs of a campaign may lie above its newest image. Two indexes take turns, each leaping to
    -- where the other stands: the next image of anybody, then the next job of the campaign. Only where both meet is there an image of the
    -- campaign.
    select i.job_id, i.batch_id into image from images i where i.job_id < place order by i.job_id desc limit 1;
    if image.job_id is null then return; end if;
    select max(f.job_id) into owned
    from unnest(campaign_ids) c(id)
    cross join lateral (
      select r.job_id from job_recipes r
      where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id <= image.job_id
      order by r.job_id desc limit 1) f;
    if owned is null then return; end if;
    if owned < image.job_id then
      place := owned + 1;
      continue;
    end if;
    place := owned;
    if image_is_wanted(image.batch_id, of_signature, claimed_from, claimed_to) then
      job_id := image.job_id;
      batch_id := image.batch_id;
      return next;
      found_so_far := found_so_far + 1;
      if found_so_far = at_most then return; end if;
    end if;
  end loop;
  job_id := place;
  batch_id := null;
  return next;
end $$;
comment on function images_of_campaign is
  'Images of the campaigns of a name below a job, newest job first. A last row without batch says that the looks were used up, and below '
  'which job to go on.';
