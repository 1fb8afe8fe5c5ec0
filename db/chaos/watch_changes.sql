-- Notes every change of a job's state and every image whose record is taken back, for the audit at the end of a run.
create table public.transitions (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  old_state text not null,
  new_state text not null,
  batch_id bigint,
  at timestamptz not null default clock_timestamp());

create function public.note_transition() returns trigger language plpgsql as $$
begin
  if old.state is distinct from new.state then
    insert into public.transitions (job_id, old_state, new_state, batch_id)
    values (new.id, old.state, new.state, coalesce(new.batch_id, old.batch_id));
  end if;
  return null;
end $$;

create trigger note_transition after update on batchgen.jobs for each row execute function public.note_transition();

create table public.flipped_bits (
  worker_name text not null,
  at timestamptz not null default clock_timestamp());

create table public.dropped_images (
  job_id bigint not null,
  batch_id bigint not null,
  sha256 bytea not null,
  was_verified boolean,
  had_wrong_bits boolean not null,
  at timestamptz not null default clock_timestamp());

create function public.note_dropped_image() returns trigger language plpgsql as $$
begin
  insert into public.dropped_images (job_id, batch_id, sha256, was_verified, had_wrong_bits)
  select old.job_id, old.batch_id, old.sha256, b.verified_at is not null and old.completion <= b.checked_completions,
    exists (select from public.flipped_bits f where f.worker_name = w.name and f.at > w.started_at)
  from (select) one
  left join batchgen.batches b on b.id = old.batch_id
  left join batchgen.workers w on w.id = b.worker_id;
  return null;
end $$;

create trigger note_dropped_image after delete on batchgen.images for each row execute function public.note_dropped_image()
