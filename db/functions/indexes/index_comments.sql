-- What each index is for: the queries, functions and views that need it. They stand here and not in the migrations, so that they follow
-- when a query gets another name.

comment on index campaigns_unreported is 'list_ended_campaigns: those that may have ended since';
comment on index jobs_by_signature is 'claim_batch: jobs of a signature, and the next signature in text order';
comment on index jobs_by_age is
  'claim_batch: whether a dispatch group has work and who waits longest; submit_jobs: whether a notification is due';
comment on index jobs_scheduled is 'advance_clock: jobs whose start time or retry has come';
comment on index jobs_with_deadline is 'advance_clock: waiting jobs whose deadline passed';
comment on index jobs_waiting is 'list_ids_queued, list_ids_in_state_of_campaign, cancel_waiting: waiting jobs, newest or oldest first';
comment on index jobs_failed is 'list_ids_failed, list_ids_in_state_of_campaign, retry_failed: failed jobs, newest or oldest first';
comment on index jobs_failed_by_campaign is 'list_failure_reasons: failed jobs of a campaign, newest first';
comment on index jobs_cancelled is 'list_ids_cancelled, list_ids_in_state_of_campaign: cancelled jobs, newest first';
comment on index job_recipes_by_tenant is 'list_ids_of_tenant: jobs of a tenant, newest first, however many others have';
comment on index job_recipes_by_campaign is 'newest_of_campaign, images_of_campaign, count_fusions: jobs of a campaign, newest first';
comment on index job_recipes_by_tag is 'list_ids_with_tag: jobs with a tag that few have';
comment on index idempotency_keys_by_job is 'archive_jobs: keys of jobs that leave';
comment on index job_attempts_by_job is 'find_jobs, results, job_status, job_history: attempts of a job, the last one first';
comment on index job_attempts_by_end is 'ended_without_image: what failed or was cancelled in a night';
comment on index job_endings_by_xact is 'ended_jobs: what committed since a snapshot';
comment on index job_counts_by_campaign is 'count_jobs, list_campaigns: counts of a campaign';

comment on index staged_jobs_by_load is 'submit_staged: the rows of a load';

comment on index batches_by_signature is 'claim_batch: whether another live worker holds the signature';
comment on index batches_open is 'rescue_expired, list_ids_running: batches under lease';
comment on index batches_unchecked is 'record_checkpoint, rescue_expired: batches with images that no checkpoint has judged';
comment on index batches_by_worker is 'list_workers: the newest batch of a worker';
comment on index batches_by_time is 'drawn_since, list_gallery, list_throughput: batches of a day';

comment on index weight_checkpoints_by_worker is 'list_checkpoints_of_worker: the newest; prune_history: whether a worker has any';
comment on index weight_checkpoints_by_time is 'count_checkpoints_between: those of a night, or of a campaign';
comment on index weight_checkpoints_with_faults is 'list_faults, list_faults_between: checkpoints that did not pass';
comment on index canaries_first is 'find_canary: the image to compare with';
comment on index canaries_by_time is 'list_canaries: the newest, those of a night or of a campaign';
comment on index canaries_by_worker is 'prune_history: whether a worker drew any';

comment on index archived_jobs_by_end is 'prune_archive: rows past their retention';
comment on index archived_jobs_by_campaign is 'archived_jobs: what became of a campaign, for people who ask';
comment on index login_sessions_by_account is 'delete_account: the logins of an account end with it';
comment on index login_sessions_by_time is 'insert_login_session: logins that have lasted too long';
comment on index start_images_by_tenant is 'keep_start_image: how much a tenant has sent';
