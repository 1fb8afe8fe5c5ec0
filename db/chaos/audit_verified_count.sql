-- The count of verified images is that of the images.
select 1, case when counted.images <> there.images then array[format('counted %s, there are %s', counted.images, there.images)] end
from (
  select coalesce(sum(count), 0) as images
  from (
    select state, count from job_counts
    union all
    select state, change from job_count_changes) c
  where c.state = 'verified') counted
cross join (select count(*) as images from saved_images where verified_at is not null) there
