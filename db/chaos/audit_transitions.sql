-- Every job went through states of docs/job-states.md only, from the first to its last.
with steps as (
  select t.*, lag(t.new_state, 1, 'queued') over (partition by t.job_id order by t.id) as before,
    lead(t.id) over (partition by t.job_id order by t.id) is null as is_last
  from public.transitions t)
select count(*), array_agg(format('job %s went from %s to %s after it was %s, and is %s',
    s.job_id, s.old_state, s.new_state, s.before, j.state))
  filter (where s.old_state <> s.before or (s.is_last and s.new_state <> j.state) or (s.old_state, s.new_state) not in (
    ('queued', 'running'), ('queued', 'cancelled'), ('running', 'succeeded'), ('running', 'queued'), ('running', 'cancelled'),
    ('succeeded', 'queued')))
from steps s
left join jobs j on j.id = s.job_id
