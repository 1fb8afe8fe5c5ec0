-- What tells an outage of the database, or a step of its clock, from a worker that stopped answering. What is noted about the server stands
-- in sequences: they have no row versions, and what was noted stays also when the call that noted it fails.

-- Added with a constant, which rewrites no row.
alter table batches
  add column renewed_at timestamptz not null default now(),
  add column lease interval not null default '1 minute';
alter table batches alter column renewed_at set default clock_timestamp();
comment on column batches.renewed_at is 'When the worker last extended the lease, or claimed the batch.';
comment on column batches.lease is 'How long the lease lives without a heartbeat, as the worker asked for at its last one.';

create sequence beats;
comment on sequence beats is
  'Microsecond since 1970 of the last sign of any worker (note_beat); what lies between two signs far apart is a silence of all workers.';
create sequence silence_begins;
comment on sequence silence_begins is 'Microsecond of the last sign of any worker before the last outage.';
create sequence silence_ends;
comment on sequence silence_ends is 'Microsecond of the first sign of any worker after the last outage.';
create sequence server_starts;
comment on sequence server_starts is 'Microsecond at which the server started that last took a sign of a worker.';
create sequence restart_noted;
comment on sequence restart_noted is 'Microsecond of the first sign of any worker after that start.';
