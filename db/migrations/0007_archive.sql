-- Where ended jobs go after their retention.

create table archived_jobs (
  job_id bigint primary key,
  tenant text not null,
  campaign text,
  state text not null,
  signature text collate "C" not null,
  finished_at timestamptz not null,
  job jsonb not null
);
comment on table archived_jobs is 'Ended jobs past their retention: recipe, image, attempts as JSON, out of the way of the queue.';
create index archived_jobs_by_end on archived_jobs (finished_at);
create index archived_jobs_by_campaign on archived_jobs (campaign, job_id) where campaign is not null;
