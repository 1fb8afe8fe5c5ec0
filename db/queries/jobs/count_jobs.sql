-- How many jobs stand where. @campaign text or null. Returns state, count, from the folded counts and the changes since.
select state, sum(count)::bigint as count
from (
  select state, count, campaign_id from job_counts
  union all
  select state, change, campaign_id from job_count_changes) c
where @campaign::text is null or campaign_id = any(array(select k.id from campaigns k where k.name = @campaign))
group by state
