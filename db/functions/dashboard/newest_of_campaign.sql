create or replace function newest_of_campaign(of_name text, below bigint, at_most int)
returns table (job_id bigint, prompt text, tags text[])
language sql stable security definer as $$
-- Few campaigns hold most jobs. The planner expects an average one, and would fetch and sort all of a large one for a page of fifty.
  select f.job_id, f.prompt, f.tags
  from campaigns c
  cross join lateral (
    select r.job_id, r.recipe ->> 'prompt' as prompt, r.tags
    from job_recipes r
    where r.campaign_id = c.id and r.campaign_id <> 0 and r.job_id < below
    order by r.job_id desc
    limit at_most) f
  where c.name = of_name
  order by f.job_id desc
  limit at_most
$$;
comment on function newest_of_campaign is
  'Jobs of the campaigns of a name (tenants may share it) below an id, newest first; one walk through index job_recipes_by_campaign each.';
