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

create table public.dropped_images (
  job_id bigint not null,
  batch_id bigint not null,
  sha256 bytea not null,
  recipe jsonb not null,
  was_verified boolean,
  at timestamptz not null default clock_timestamp());

create function public.note_dropped_image() returns trigger language plpgsql as $$
begin
  insert into public.dropped_images (job_id, batch_id, sha256, recipe, was_verified)
  select old.job_id, old.batch_id, old.sha256, old.recipe, b.verified_at is not null and old.completion <= b.checked_completions
  from (select) one left join batchgen.batches b on b.id = old.batch_id;
  return null;
end $$;

create trigger note_dropped_image after delete on batchgen.images for each row execute function public.note_dropped_image()
