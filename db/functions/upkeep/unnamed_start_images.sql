create or replace function unnamed_start_images(names text[]) returns text[]
language sql as $$
  -- Archived jobs do not count: nothing draws them again. One look at all recipes for all names, since no index says which name an image.
  select array(
    select x.name
    from (
      select unnest(names) as name
      except
      select lower(r.recipe ->> 'start_image') from job_recipes r where r.recipe ? 'start_image'
      except
      select lower(s.recipe ->> 'start_image') from staged_jobs s where s.recipe ? 'start_image') x
    where not exists (select from campaign_schedules c where strpos(lower(c.jobs), x.name) > 0)
    order by x.name)
$$;
comment on function unnamed_start_images is 'Those of some start images that no job, staged row or schedule names.';
