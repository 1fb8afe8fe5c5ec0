-- What logins that are not ours can reach: instants that no calendar of a program holds, locks that anybody could take, and notifications
-- that anybody can send.

-- Instants of rows that clients write themselves lie in the years 1 to 9999, as the functions demand of all others (instant_fits). Rows of
-- workers that lie beyond are brought to the end that they lie beyond, or nobody could update them any more; staged rows stay as they are,
-- since submit_staged refuses them with their line.
update workers w set
  started_at = least(greatest(w.started_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00'),
  heartbeat_at = least(greatest(w.heartbeat_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00'),
  stopped_at = case when w.stopped_at is not null
    then least(greatest(w.stopped_at, '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00') end
where not (least(w.started_at, w.heartbeat_at, w.stopped_at) >= '0001-01-01 00:00:00+00'
  and greatest(w.started_at, w.heartbeat_at, w.stopped_at) < '10000-01-01 00:00:00+00');
alter table workers add constraint workers_instants_in_range check (
  least(started_at, heartbeat_at, stopped_at) >= timestamptz '0001-01-01 00:00:00+00'
  and greatest(started_at, heartbeat_at, stopped_at) < timestamptz '10000-01-01 00:00:00+00');
alter table canaries add constraint canaries_created_at_in_range check (
  created_at >= timestamptz '0001-01-01 00:00:00+00' and created_at < timestamptz '10000-01-01 00:00:00+00') not valid;
alter table staged_jobs add constraint staged_jobs_instants_in_range check (
  least(run_at, deadline, staged_at) >= timestamptz '0001-01-01 00:00:00+00'
  and greatest(run_at, deadline, staged_at) < timestamptz '10000-01-01 00:00:00+00') not valid;
-- Longer names than any rule allows are refused before anything works on them; submit_staged says which rule a shorter one breaks.
alter table staged_jobs add constraint staged_jobs_texts_short check (
  octet_length(load) <= 1000 and coalesce(octet_length(model), 0) <= 10000 and coalesce(octet_length(adapters), 0) <= 200000
  and coalesce(octet_length(campaign), 0) <= 10000 and coalesce(octet_length(idempotency_key), 0) <= 10000) not valid;

-- Jobs that ended, one row for each call that ended some: notifications say only that something changed.
create table job_endings (
  xact xid8 not null default pg_current_xact_id(),
  ended_at timestamptz not null default clock_timestamp(),
  job_ids bigint[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table job_endings is 'Which jobs ended lately, for ended_jobs; rows go after a quarter of an hour.';
comment on column job_endings.xact is
  'The transaction that ended them: what committed since somebody looked is what that snapshot did not see.';
create index job_endings_by_xact on job_endings (xact);

-- Locks. No role but the owner may write these tables, so that no other login can hold their rows or keep them from functions of ours.
create table load_locks (
  staged_by name not null,
  load text not null,
  constraint load_locks_pkey primary key (staged_by, load)
);
comment on table load_locks is
  'Loads that are being submitted or discarded. A row is deleted by the transaction that wrote it, so none is ever seen: who writes the '
  'same one waits for that transaction.';
create table signature_locks (
  slot int primary key
);
comment on table signature_locks is
  'One row for each hash of a signature: a claim that chooses a signature locks its row, so that another does not choose the same.';
insert into signature_locks (slot) select generate_series(0, 8191);
create table counts_lock ();
comment on table counts_lock is 'Holds no rows: locked by the one session that folds counts.';
create table retention_lock ();
comment on table retention_lock is 'Holds no rows: locked by the one program that removes what is past its retention.';
create table reindex_lock ();
comment on table reindex_lock is 'Holds no rows: locked by the one program that rebuilds indexes.';

-- Jobs that another session had locked when their batch ended.
create table unsettled_jobs (
  job_id bigint primary key,
  batch_id bigint not null
);
comment on table unsettled_jobs is
  'Running jobs that a session outside, such as a producer that cancels and has not committed, held locked when their batch ended; '
  'rescue_expired requeues those that are not cancelled then.';
