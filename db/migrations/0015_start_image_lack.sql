-- A start image that a tenant sent and that a worker's machine does not have, such as when a shared folder is not mounted there, is what
-- the machine lacks.

alter table worker_lacks
  drop constraint worker_lacks_kind_known,
  add constraint worker_lacks_kind_known check (kind in ('adapter', 'model', 'output', 'start_image'));
comment on column worker_lacks.name is 'The adapter or model as registered; the name of the start image; of images, their folder.';
