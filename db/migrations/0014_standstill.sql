-- Since when jobs of a model or tenant may run again: nothing stands still that was resumed a moment ago.

alter table models add column resumed_at timestamptz;
comment on column models.resumed_at is 'When a person resumed it last; null while nobody has.';
alter table tenants add column resumed_at timestamptz;
comment on column tenants.resumed_at is 'When a person resumed it last; null while nobody has.';
